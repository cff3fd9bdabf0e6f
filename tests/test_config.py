"""Settings: what is set holds, what is not supported is refused, and nothing is missing."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from scratchnn import config
from scratchnn.dtype_policies import DTypePolicy
from scratchnn.progress import Progbar


@pytest.fixture(autouse=True)
def _defaults():
    yield
    config.set_dtype_policy("float32")
    config._policy = None
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
    config.enable_interactive_logging()


def test_the_backend():
    assert config.backend() == "numpy"
    config.set_backend("numpy")
    with pytest.raises(ValueError, match=r"must be 'numpy', the only one. Received: 'jax'"):
        config.set_backend("jax")


def test_floatx():
    config.set_floatx("float64")
    assert config.floatx() == "float64"
    for name in ("float16", "bfloat16", "int32", "Float32"):
        with pytest.raises(ValueError, match=f"floatx must be one of .* Received: '{name}'"):
            config.set_floatx(name)
    assert config.floatx() == "float64"


def test_epsilon_and_the_image_layout():
    config.set_epsilon(1)
    assert config.epsilon() == 1.0
    config.set_image_data_format("CHANNELS_FIRST")
    assert config.image_data_format() == "channels_first"
    assert config.standardize_data_format(None) == "channels_first"
    with pytest.raises(ValueError, match="data_format must be one of"):
        config.set_image_data_format("NHWC")


def test_dtype_policy():
    assert config.dtype_policy() == DTypePolicy("float32")
    config.set_floatx("float64")
    assert config.dtype_policy().name == "float64"
    config.set_dtype_policy("float32")
    assert config.dtype_policy().compute_dtype == "float32"
    config.set_dtype_policy(DTypePolicy("float64"))
    assert config.dtype_policy().variable_dtype == "float64"
    for policy in ("mixed_float16", "float16", None, 3):
        with pytest.raises(ValueError, match=r"dtype policy must be one of .*mixed precision"):
            config.set_dtype_policy(policy)
    assert config.dtype_policy().name == "float64"


def test_dtype_policy_objects():
    policy = DTypePolicy("float64")
    assert DTypePolicy.from_config(policy.get_config()) == policy
    assert repr(policy) == '<DTypePolicy "float64">'
    assert policy != DTypePolicy() != "float32"
    assert len({policy, DTypePolicy("float64"), DTypePolicy()}) == 2
    with pytest.raises(ValueError, match="Received: 'mixed_bfloat16'"):
        DTypePolicy("mixed_bfloat16")


def test_limits_of_a_run():
    assert config.max_epochs() is config.max_steps_per_epoch() is None
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (2, 3)


def test_limits_from_the_environment(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "4")
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "")
    code = "from scratchnn import config as c; print(c.max_epochs(), c.max_steps_per_epoch())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["4", "None"]


def test_progress_is_logged_without_interactive_logging(capsys, caplog):
    assert config.is_interactive_logging_enabled()
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    with caplog.at_level(logging.INFO, "scratchnn"):
        Progbar(1).update(1, [("loss", 0.5)])
    assert capsys.readouterr().out == ""
    (record,) = caplog.records
    assert record.name == "scratchnn"
    assert record.getMessage().startswith("1/1 ━")
    assert record.getMessage().endswith("loss: 0.5000")
    config.enable_interactive_logging()
    Progbar(1).update(1)
    assert "1/1" in capsys.readouterr().out


def test_what_has_no_meaning_here():
    for name in ("enable", "disable"):
        assert getattr(config, f"{name}_traceback_filtering")() is None
        assert getattr(config, f"{name}_flash_attention")() is None
    assert not config.is_traceback_filtering_enabled()
    assert not config.is_flash_attention_enabled()
    assert not config.is_nnx_enabled()
    with pytest.raises(NotImplementedError, match=r"not supported, because .*custom_objects"):
        config.enable_unsafe_deserialization()


def test_public_names():
    for name in config.__all__:
        assert getattr(config, name).__doc__
