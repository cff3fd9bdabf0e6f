"""What `import scratchnn` loads, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import scratchnn

PACKAGE = Path(scratchnn.__file__).parents[1]
HEAVY = [
    "matplotlib",
    "h5py",
    "tensorflow",
    "keras",
    "PIL",
    "scipy",
    "pandas",
    "mpi4py",
    "torch",
    "sklearn",
]

LOADED = """
import json, sys
import numpy.random
before = set(sys.modules)
{program}
print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""

TIMED = """
import sys, time
import numpy
# Compiled files go to a directory of their own, and are there from the second run on.
sys.dont_write_bytecode, sys.pycache_prefix = False, sys.argv[1]
start = time.perf_counter()
{program}
print(time.perf_counter() - start)
"""

PROGRAMS = {
    "import": "import scratchnn",
    "every public name": (
        "import scratchnn\nfor name in scratchnn.__all__: getattr(scratchnn, name)"
    ),
    "tf": "import scratchnn.tf as tf\ntf.keras.layers.Dense(1, activation=tf.nn.relu)",
    "a program": (
        "import numpy as np\n"
        "import scratchnn as keras\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile('adam', 'mse', metrics=['mae'])\n"
        "model.fit(np.ones((4, 2)), np.ones(4), verbose=0)\n"
        "model.predict(np.ones((4, 2)), verbose=0)\n"
    ),
}


def python(code, *arguments):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_numpy_and_the_standard_library_are_loaded(program):
    found = json.loads(python(LOADED.format(program=PROGRAMS[program])))
    assert "scratchnn" in found
    assert not set(HEAVY) & set(found)
    others = set(found) - sys.stdlib_module_names - {"scratchnn", "numpy"}
    assert not others


def test_the_import_is_quick(tmp_path):
    # The first run compiles. Of the others the quickest counts: a busy machine makes times longer,
    # and never shorter.
    code = TIMED.format(program=PROGRAMS["import"])
    python(code, str(tmp_path))
    quickest = np.inf
    for _ in range(20):
        quickest = min(quickest, float(python(code, str(tmp_path))))
        if quickest < 0.030:
            break
    assert quickest < 0.030


def test_public_names():
    for name in scratchnn.__all__:
        assert getattr(scratchnn, name) is not None
        assert name in dir(scratchnn)
    with pytest.raises(AttributeError, match="module 'scratchnn' has no attribute 'layer'"):
        scratchnn.layer  # noqa: B018
    with pytest.raises(NotImplementedError, match=r"keras\.Variable is not supported, because a"):
        scratchnn.Variable  # noqa: B018


@pytest.mark.parametrize("name", [n for n in scratchnn.__all__ if n[0].islower()])
def test_public_modules_say_what_is_public(name):
    module = getattr(scratchnn, name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), public


def test_tf():
    import scratchnn.tf as tf

    assert tf.keras is scratchnn
    layer = tf.keras.layers.Dense(2, activation=tf.nn.softmax)
    assert layer.activation is scratchnn.activations.softmax
    np.testing.assert_array_equal(tf.nn.relu(np.array([-1.0, 2.0])), [0, 2])
    x = np.arange(20.0)

    def order():
        tf.random.set_seed(3)
        return scratchnn.random.EpochOrder(len(x)).next().tolist()

    assert order() == order()


def test_the_package_is_typed():
    assert (Path(scratchnn.__file__).parent / "py.typed").exists()
