"""The benchmarks: what they make of their measurements, and one small run. Nothing is timed."""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import scratchnn
from scratchnn.parameters import Parameter, ParameterStore

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import contenders
import full_parity
import machine
import profile_step
import report
import versus_keras
import worker
import workloads

RNG = np.random.default_rng(0)


@pytest.fixture
def results() -> dict[str, Any]:
    """What a run leaves, with numbers easy to reckon with."""
    train = {"title": "epoch of 1,000, 784-128-10, batch 32", "kind": "train", "samples": 1000}
    return {
        "command": "python benchmarks/versus_keras.py --quick",
        "machine": {
            "processor": "Abacus",
            "cores": "2",
            "system": "Linux x86_64",
            "python": "3.11.7",
            "numpy": "2.4.6",
            "blas": "openblas 0.3",
        },
        "threads": 1,
        "rounds": 3,
        "contenders": {"scratchnn": "scratchnn", "tf.keras": "tf.keras", "floor": "floor"},
        "versions": {"Keras": "3.15.1"},
        "errors": {},
        "workloads": {
            "mnist-32": {
                **train,
                "contenders": {
                    "scratchnn": {"seconds": [0.5, 0.25, 9.0], "loss": 0.1},
                    "tf.keras": {"seconds": [2.0, 1.0, 3.0], "loss": 0.11},
                    "floor": {"seconds": [0.4, 0.5, 0.2], "loss": None},
                },
            },
            "memory": {
                "title": "peak memory of training",
                "kind": "memory",
                "contenders": {"scratchnn": {"bytes": 50_000_000}, "tf.keras": {"bytes": 1e9}},
            },
            "verbose": {
                **train,
                "kind": "verbose",
                "contenders": {
                    "scratchnn": {"seconds": [1.02, 2.0, 1.03], "quiet": [1.0, 1.0, 1.0]}
                },
            },
        },
    }


# --- report


def test_cells_are_medians_with_ratios_to_ours(results: dict[str, Any]) -> None:
    cells = report.cells(results, "mnist-32")
    assert list(cells) == ["scratchnn", "tf.keras", "floor"]
    assert [cell.value for cell in cells.values()] == [0.5, 2.0, 0.4]
    assert [cell.ratio for cell in cells.values()] == [1.0, 4.0, 0.8]
    memory = report.cells(results, "memory")
    assert memory["tf.keras"] == report.Cell(1e9, 20.0, True)
    assert "floor" not in memory


def test_without_scratchnn_there_are_no_ratios(results: dict[str, Any]) -> None:
    del results["contenders"]["scratchnn"]
    assert {cell.ratio for cell in report.cells(results, "mnist-32").values()} == {None}
    assert "| 2.00 s | 400 ms |" in report.markdown(results)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (35.12, "35.1 s"),
        (1.934, "1.93 s"),
        (0.99951, "1.00 s"),
        (0.41234, "412 ms"),
        (0.0099999, "10.0 ms"),
        (0.0012, "1.20 ms"),
        (21.4e-6, "21.4 µs"),
        (4e-7, "0.40 µs"),
        (1234.5, "1,234 s"),
    ],
)
def test_seconds_text(seconds: float, text: str) -> None:
    assert report.seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (4321, "4,300×"),
        (996, "1,000×"),
        (123.4, "120×"),
        (99.7, "100×"),
        (12.4, "12×"),
        (9.96, "10×"),
        (5.64, "5.6×"),
        (1, "1.0×"),
        (0.999, "1.0×"),
        (0.834, "0.83×"),
    ],
)
def test_ratio_text(ratio: float, text: str) -> None:
    assert report.ratio_text(ratio) == text


def test_verbose_cost_is_the_median_of_pairs(results: dict[str, Any]) -> None:
    assert report.verbose_cost(results) == pytest.approx(0.03)
    del results["workloads"]["verbose"]
    assert report.verbose_cost(results) is None


def test_suspicious() -> None:
    train = {"a": 0.10, "b": 0.12, "c": 0.25, "d": 0.9}
    assert report.suspicious(train, "train") == {"d"}
    assert report.suspicious({**train, "d": float("nan")}, "train") == {"d"}
    same = {"a": 2.400, "b": 2.401, "c": 2.3}
    assert report.suspicious(same, "predict") == {"c"}
    assert report.suspicious({"a": 3.0}, "train") == set()


def test_markdown(results: dict[str, Any]) -> None:
    text = report.markdown(results)
    lines = text.splitlines()
    assert lines[0] == "`python benchmarks/versus_keras.py --quick`"
    assert lines[2] == (
        "Abacus, 2 cores, 1 thread, Linux x86_64, Python 3.11.7, NumPy 2.4.6 (openblas 0.3), "
        "Keras 3.15.1."
    )
    assert "| | scratchnn | tf.keras | floor (scratchnn ÷ floor) |" in lines
    row = "| epoch of 1,000, 784-128-10, batch 32 | 500 ms | 2.00 s **4.0×** | 400 ms **1.25×** |"
    assert row in lines
    assert "| peak memory of training | 50 MB | 1,000 MB **20×** |  |" in lines
    assert "| epoch of 1,000, 784-128-10, batch 32 | 0.1 | 0.11 |" in lines
    assert "adds +3.0% to an epoch of 1,000 images" in text
    assert "⚠" not in text
    tables = [line.count("|") for line in lines if line.startswith("|")]
    assert tables == [5] * 4 + [4] * 3


def test_markdown_says_what_went_wrong(results: dict[str, Any]) -> None:
    results["workloads"]["mnist-32"]["contenders"]["tf.keras"]["loss"] = 2.3
    results["errors"]["PyTorch, import"] = "Traceback\n  ...\nImportError: no torch\n"
    text = report.markdown(results)
    assert "| 0.1 | 2.3 ⚠ |" in text
    assert "⚠ too far from the others" in text
    assert "Failed: PyTorch, import: ImportError: no torch" in text


def test_one_line(results: dict[str, Any]) -> None:
    assert report.one_line(results, "mnist-32") == (
        "scratchnn 500 ms, tf.keras 2.00 s (4.0×), floor 400 ms (0.80×)"
    )
    assert report.one_line(results, "verbose") == "+3.0%"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture(results: dict[str, Any], theme: str) -> None:
    pytest.importorskip("matplotlib")
    figure = report.picture(results, theme)
    drawn = [axes for axes in figure.axes if axes.patches]
    assert [axes.get_title(loc="left") for axes in drawn] == [
        "epoch of 1,000\n784-128-10, batch 32",
        "peak memory of training",
    ]
    assert [len(axes.patches) for axes in drawn] == [3, 2]
    shown = [text.get_text() for text in drawn[0].texts]
    assert shown == ["scratchnn", "500 ms", "tf.keras", "4.0×  2.00 s", "floor", "0.80×  400 ms"]
    assert figure.get_figwidth() == 9


# --- workloads


def test_workloads() -> None:
    full, quick = workloads.workloads(), workloads.workloads(quick=True)
    assert [work.key for work in full] == [work.key for work in quick]
    assert len({work.key for work in full}) == len(full)
    by_key = {work.key: work for work in full}
    assert by_key["mnist-512"].samples == 60_000
    assert by_key["neuron"].epochs == 500
    assert by_key["predict"].title == "predict 10,000 images"
    assert all(q.samples <= f.samples for q, f in zip(quick, full, strict=True))
    assert max(work.samples for work in workloads.workloads(samples=300)) == 300
    assert max(work.samples for work in workloads.workloads(samples=10**9)) == 60_000


def test_initial_kernels_are_glorots_and_always_the_same() -> None:
    first, second = workloads.initial_kernels((784, 128, 10))
    assert (first.shape, second.shape) == ((784, 128), (128, 10))
    assert first.dtype == np.float32
    limit = np.sqrt(6 / (784 + 128))
    assert 0.99 * limit < np.abs(first).max() <= limit
    np.testing.assert_array_equal(first, workloads.initial_kernels((784, 128, 10))[0])


@pytest.mark.parametrize("key", ["convnet-128", "lstm-32"])
def test_networks_loss_is_that_of_scratchnn(key: str) -> None:
    work = next(w for w in workloads.workloads() if w.key == key)
    network = workloads.NETWORKS[work.network]
    assert [k.shape for k in work.kernels()] == network.kernels
    x = RNG.uniform(size=(300, *network.input_shape)).astype(np.float32)
    y = RNG.integers(0, 10, 300)
    found = contenders.Scratchnn(1)
    found.build(contenders.Task(work.kernels(), work.batch, False, x, y, work.network))
    found.set_kernels(work.kernels())
    for (kernel, _), expected in zip(found.weights(), work.kernels(), strict=True):
        np.testing.assert_array_equal(kernel, expected)
    loss = workloads.loss_of(found.weights(), x, y, False, work.network)
    assert found.evaluate(x, y)[0] == pytest.approx(loss, rel=1e-5)
    found.fit(1)
    assert workloads.loss_of(found.weights(), x, y, False, work.network) < loss


def test_losses_are_those_of_scratchnn() -> None:
    x = RNG.normal(size=(9, 5)).astype(np.float32)
    y = RNG.integers(0, 3, 9)
    keras = scratchnn
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy")
    flat = model.get_weights()
    weights = [(flat[0], flat[1] + 0.5), (flat[2], flat[3] - 0.5)]
    model.set_weights([w for layer in weights for w in layer])
    expected = model.evaluate(x, y, verbose=0)
    assert workloads.loss_of(weights, x, y, False) == pytest.approx(expected, rel=1e-5)
    p = model.predict(x, verbose=0)
    assert workloads.loss_of_probabilities(p, y) == pytest.approx(expected, rel=1e-5)

    points, targets = workloads.points()
    line = [(np.array([[2.0]]), np.array([0.0]))]
    np.testing.assert_array_equal(targets, 2 * points - 1)
    assert workloads.loss_of(line, points, targets, True) == pytest.approx(1)


def test_text_classifiers_loss_is_that_of_scratchnn() -> None:
    work = next(w for w in workloads.workloads() if w.key == "text-32")
    y = RNG.integers(0, 10, 300)
    x = workloads.texts(y)
    assert x.shape == (300, workloads.WORDS)
    assert 0 <= x.min() <= x.max() < workloads.VOCABULARY
    found = contenders.Scratchnn(1)
    found.build(contenders.Task(work.kernels(), 32, False, x, y, "text"))
    found.set_kernels(work.kernels())
    loss = workloads.loss_of(found.weights(), x, y, False, "text")
    assert found.evaluate(x, y)[0] == pytest.approx(loss, rel=1e-5)
    found.fit(3)
    assert workloads.loss_of(found.weights(), x, y, False, "text") < loss


def test_data_is_written_and_read(tmp_path: Path) -> None:
    workloads.write_data(tmp_path, 7)
    data = workloads.read_data(tmp_path)
    assert data.x_train.shape == data.x_test.shape == (7, 784)
    assert data.x_train.dtype == np.float32
    assert data.x_train.max() == 1
    assert data.y_train.tolist() == [5, 0, 4, 1, 9, 2, 1]


# --- contenders


def test_contenders_say_what_they_need() -> None:
    kinds = {work.kind for work in workloads.workloads()}
    networks = {work.network for work in workloads.workloads()}
    assert networks == set(workloads.NETWORKS)
    for name, contender in contenders.CONTENDERS.items():
        assert contender.name == name
        assert set(contender.kinds) <= kinds
        assert set(contender.networks) <= networks
        assert contender.modules
        assert contender.modules[0] in contender.imports or name == "keras-jax"


def test_installed() -> None:
    assert contenders.installed(contenders.Scratchnn)
    assert contenders.installed(contenders.Floor)

    class Missing(contenders.Contender):
        modules = ("numpy", "no_such_module")

    assert not contenders.installed(Missing)


def task(samples: int, batch: int, sizes: tuple[int, ...] = (6, 5, 4, 3)) -> contenders.Task:
    x = RNG.normal(size=(samples, sizes[0])).astype(np.float32)
    y = RNG.integers(0, sizes[-1], samples)
    return contenders.Task(workloads.initial_kernels(sizes), batch, False, x, y)


@pytest.fixture
def floor() -> Iterator[contenders.Floor]:
    found = contenders.Floor(1)
    work = task(10, 4)
    found.build(work)
    found.set_kernels(work.kernels)
    return found


def test_floor_multiplies_what_a_step_multiplies(floor: contenders.Floor) -> None:
    work = task(10, 4)
    floor.build(work)
    floor.set_kernels(work.kernels)
    a, b, c = work.kernels
    floor.forward(4)
    x, h1, h2, z = floor._activations[4]
    np.testing.assert_array_equal(x, work.x[:4])
    np.testing.assert_allclose(z, x @ a @ b @ c, rtol=1e-5, atol=1e-6)
    dz = floor._deltas[4][-1].copy()
    floor.backward(4)
    expected = [x.T @ (dz @ c.T @ b.T), h1.T @ (dz @ c.T), h2.T @ dz]
    for found, gradient in zip(floor._gradients, expected, strict=True):
        np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-7)
    assert floor.steps == [4, 4, 2]


def test_floor_takes_the_passes_of_scratchnns_adam(floor: contenders.Floor) -> None:
    values = RNG.normal(size=40_000).astype(np.float32)
    store = ParameterStore([Parameter(values.copy(), name="w")])
    adam = scratchnn.optimizers.Adam(1e-3, epsilon=contenders.ADAM_EPSILON)
    w, g, m, v = values.copy(), *(np.zeros_like(values) for _ in range(3))
    ends = [*range(0, len(w), floor.block), len(w)]
    floor._blocks = [
        (w[i:j], g[i:j], m[i:j], v[i:j], np.empty(j - i, np.float32)) for i, j in pairwise(ends)
    ]
    for t in (1, 2, 3):
        before, floor_before = store.values.copy(), w.copy()
        store.grads[...] = g[...] = RNG.normal(size=len(values))
        adam.step(store)
        floor.update()
        # The bias correction is one number per step; the floor leaves it out.
        correction = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        moved = (w - floor_before) * correction
        np.testing.assert_allclose(moved, store.values - before, atol=1e-6)
        assert np.abs(moved).mean() > 1e-4


def test_floor_moves_all_weights(floor: contenders.Floor) -> None:
    before = [kernel.copy() for kernel in floor._kernels]
    floor.fit(1)
    for old, new in zip(before, floor._kernels, strict=True):
        assert (old != new).mean() > 0.9
        assert np.isfinite(new).all()


def test_scratchnn_contender_learns() -> None:
    found = contenders.Scratchnn(1)
    work = task(64, 8, (6, 16, 3))
    work = work._replace(y=work.x[:, :3].argmax(axis=1))
    found.build(work)
    found.set_kernels(work.kernels)
    before = workloads.loss_of(found.weights(), work.x, work.y, False)
    assert before == pytest.approx(found.evaluate(work.x, work.y)[0], rel=1e-5)
    found.fit(3)
    found.timed_epoch()
    assert workloads.loss_of(found.weights(), work.x, work.y, False) < before
    np.testing.assert_allclose(found.call(work.x), found.predict(work.x), rtol=1e-5)


def test_pytorchs_axes_are_those_of_keras_in_another_order() -> None:
    """A dense layer after convolutions sees channels first; the way there and back is the same."""
    found = contenders.PyTorch.__new__(contenders.PyTorch)
    convolution = SimpleNamespace(weight=0, kernel_size=(3, 3), out_channels=4)
    dense = SimpleNamespace(weight=0, in_features=100)
    found._model = [convolution, SimpleNamespace(), dense]
    kernel, rows = RNG.normal(size=(3, 2, 1, 4)), RNG.normal(size=(100, 7))
    theirs = found._as_torchs(kernel, convolution)
    assert theirs.shape == (4, 1, 3, 2)
    np.testing.assert_array_equal(found._as_kerass(theirs, convolution), kernel)
    images = RNG.normal(size=(3, 5, 5, 4))
    theirs = found._as_torchs(rows, dense)
    first = np.moveaxis(images, -1, 1).reshape(3, -1)
    np.testing.assert_allclose(first @ theirs.T, images.reshape(3, -1) @ rows)
    np.testing.assert_array_equal(found._as_kerass(theirs, dense), rows)
    found._model = [dense]
    np.testing.assert_array_equal(found._as_torchs(rows, dense), rows.T)
    np.testing.assert_array_equal(found._as_kerass(rows.T, dense), rows)


# --- machine, worker


def test_every_framework_is_told_the_same_number_of_threads() -> None:
    told = machine.thread_environment(3)
    assert told.pop("XLA_FLAGS") == "--xla_cpu_multi_thread_eigen=true"
    assert set(told.values()) == {"3"}
    assert {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"} <= set(told)
    assert "false" in machine.thread_environment(1)["XLA_FLAGS"]
    environment = versus_keras.environment_of(contenders.KerasOnJax, 3)
    assert environment["KERAS_BACKEND"] == "jax"
    assert environment["MKL_NUM_THREADS"] == "3"


def test_machine_is_described() -> None:
    found = machine.describe_machine()
    assert found["numpy"] == np.__version__
    assert int(found["cores"]) >= 1
    assert all(found.values())


def test_typical_seconds_is_the_median_of_three_calls_or_more() -> None:
    calls: list[int] = []
    assert worker.typical_seconds(lambda: calls.append(1), span=0) >= 0
    assert len(calls) == 3


def test_terminal_passes_for_one() -> None:
    with worker.Terminal() as terminal:
        assert terminal.isatty()
        print("━", file=terminal, flush=True)


def test_peak_memory_is_that_of_this_process() -> None:
    code = """if True:
        import numpy as np, worker
        before = worker.peak_memory()
        block = np.ones(8_000_000)
        print(worker.peak_memory() - before)
    """
    folder = ROOT / "benchmarks"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert 60e6 < int(done.stdout) < 80e6


def test_without_nan() -> None:
    assert worker._without_nan({"a": 1.5, "b": float("nan"), "c": "x"}) == {
        "a": 1.5,
        "b": None,
        "c": "x",
    }


# --- versus_keras


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versus_keras, "installed", lambda c: c.name != "torch")
    args = versus_keras.parse([])
    assert (args.rounds, args.threads, args.quick) == (5, machine.cores(), False)
    assert args.workloads == workloads.workloads()
    assert [c.name for c in args.contenders] == [n for n in contenders.CONTENDERS if n != "torch"]
    assert args.output == ROOT / "benchmarks" / "results"
    quick = versus_keras.parse(["--quick"])
    assert quick.rounds == 3
    assert quick.workloads == workloads.workloads(quick=True)


def test_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versus_keras, "installed", lambda c: True)
    args = versus_keras.parse(
        ["--contenders", "floor", "scratchnn", "--workloads", "predict", "neuron"]
        + ["--threads", "1", "--rounds", "7", "--samples", "50"]
    )
    assert [c.name for c in args.contenders] == ["scratchnn", "floor"]
    assert [work.key for work in args.workloads] == ["neuron", "predict"]
    assert args.workloads[1].samples == 50
    assert (args.threads, args.rounds) == (1, 7)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--workloads", "mnist-31"], "invalid choice: 'mnist-31'"),
        (["--contenders", "caffe"], "invalid choice: 'caffe'"),
        (["--rounds", "0"], "--rounds: invalid positive value: '0'"),
        (["--threads", "-1"], "--threads: invalid positive value: '-1'"),
    ],
)
def test_bad_options(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        versus_keras.parse(argv)
    assert message in capsys.readouterr().err


def test_tf_keras_must_be_there_unless_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versus_keras, "installed", lambda c: c.name in ("scratchnn", "floor"))
    parser = argparse.ArgumentParser()
    with pytest.raises(SystemExit):
        versus_keras.choose(None, parser)
    assert "not installed: tf.keras. Run `pip install" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        versus_keras.choose(["scratchnn", "jax"], parser)
    assert "not installed: jax" in capsys.readouterr().err
    assert versus_keras.choose(["scratchnn"], parser) == [contenders.Scratchnn]


def test_command() -> None:
    assert versus_keras.command(["--quick", "--output", "a b"]) == (
        "python benchmarks/versus_keras.py --quick --output 'a b'"
    )


def test_a_worker_says_what_went_wrong(tmp_path: Path) -> None:
    workloads.write_data(tmp_path, 2)
    with versus_keras.Worker(contenders.Floor, 1, tmp_path) as process:
        with pytest.raises(versus_keras.WorkerError, match="Expected a request that is known"):
            process.ask("dance")
        assert process.ask("versions") == {"versions": {}}
    with versus_keras.Worker(contenders.Floor, 1, tmp_path / "nowhere") as process:
        with pytest.raises(versus_keras.WorkerError, match="FileNotFoundError"):
            process.ask("versions")
        process._process.kill()
        process._process.wait()
        with pytest.raises(versus_keras.WorkerError, match="ended silently"):
            process.ask("versions")


def test_a_small_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    keys = ["import", "neuron", "mnist-32", "predict-one", "convnet-128"]
    keys += ["lstm-32", "text-32", "memory", "verbose"]
    versus_keras.main(
        ["--quick", "--contenders", "scratchnn", "floor", "--workloads", *keys]
        + ["--samples", "300", "--rounds", "1", "--threads", "1", "--output", str(tmp_path)]
    )
    printed = capsys.readouterr().out
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text in printed
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["errors"] == {}
    assert list(found["workloads"]) == keys
    assert found["versions"] == {"scratchnn": scratchnn.__version__}
    took_part = {key: list(work["contenders"]) for key, work in found["workloads"].items()}
    both = ["scratchnn", "floor"]
    assert took_part == {
        "import": both,
        "neuron": ["scratchnn"],
        "mnist-32": both,
        "predict-one": both,
        "convnet-128": ["scratchnn"],
        "lstm-32": ["scratchnn"],
        "text-32": ["scratchnn"],
        "memory": ["scratchnn"],
        "verbose": ["scratchnn"],
    }
    ours = {key: work["contenders"]["scratchnn"] for key, work in found["workloads"].items()}
    assert len(ours["mnist-32"]["seconds"]) == len(ours["verbose"]["quiet"]) == 1
    assert 0 < ours["neuron"]["loss"] < 1
    assert 0 < ours["mnist-32"]["loss"] < 2.2
    assert 20e6 < ours["memory"]["bytes"] < 300e6
    for name in ("results.png", "results_dark.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


# --- profile_step


def test_profile_medians_and_table() -> None:
    blocks = [{"forward": 1e-6, "bookkeeping": 5e-6}, {"forward": 3e-6, "bookkeeping": 5e-6}]
    parts = profile_step.medians([*blocks, {"forward": 9e-6, "bookkeeping": 1e-6}])
    assert parts == {"forward": 3e-6, "bookkeeping": 5e-6}
    text = profile_step.table(parts, {"forward": 2e-6}, 6e-6).splitlines()
    assert [line.split() for line in text[1:]] == [
        ["forward", "3.0", "37.5%", "2.0", "1.50"],
        ["bookkeeping", "5.0", "62.5%"],
        ["all", "8.0", "100.0%", "2.0", "4.00"],
        ["without", "clocks", "6.0", "2.0", "3.00"],
    ]


def test_profile_reaches_every_part_and_leaves_no_clock_behind() -> None:
    before = vars(scratchnn.Sequential).copy()
    profile = profile_step.Profile(batch=4, hidden=3, layers=2, steps=2)
    assert profile.sizes == (784, 3, 3, 10)
    parts, floors = profile.clocked_block(), profile.floor_block()
    assert list(parts) == [*profile_step.PARTS, "bookkeeping"]
    assert min(parts.values()) > 0
    assert list(floors) == ["gather", "forward", "backward", "optimizer"]
    assert profile.plain_block() > 0
    assert vars(scratchnn.Sequential) == before


# --- full_parity


def log(shift: float) -> dict[str, list[float]]:
    return {"loss": [0.5 + shift, 0.25, 0.3], "accuracy": [0.8, 0.9, 0.85]}


def test_parity_table() -> None:
    logs = {"scratchnn": log(1e-5), "tf.keras": log(0), "without oneDNN": log(0)}
    text = full_parity.table(logs).splitlines()
    assert len(text) == 1 + 2 * 3 + 1
    first = ["epoch", "1", "loss", "0.500010", "0.500000", "2.0e-05", "0.500000", "0.0e+00"]
    assert text[1].split() == first
    assert text[5].startswith("test    loss")
    assert "largest difference 2.0e-05" in text[-1]
    assert "within what is promised" in text[-1]


def test_parity_verdict_knows_how_far_tf_keras_is_from_itself() -> None:
    far = {"scratchnn": log(0.01), "tf.keras": log(0), "without oneDNN": log(0.001)}
    assert "BEYOND" in full_parity.table(far)
    assert "within" in full_parity.table({**far, "without oneDNN": log(0.004)})
    assert full_parity.difference(0.5, 0) == 0.5


def test_parity_trains_the_tutorials_model(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = RNG.integers(0, 256, (80, 28, 28), np.uint8), RNG.integers(0, 10, 80)
    data = (images[:64], labels[:64]), (images[64:], labels[64:])
    monkeypatch.setattr(scratchnn.datasets.mnist, "load_data", lambda: data)
    found = full_parity.train("scratchnn", "raw", epochs=2, samples=60, seed=1)
    assert [len(values) for values in found.values()] == [3, 3]
    assert found == full_parity.train("scratchnn", "raw", epochs=2, samples=60, seed=1)
    scaled = full_parity.train("scratchnn", "scaled", epochs=2, samples=60, seed=1)
    assert scaled["loss"][0] < found["loss"][0]
