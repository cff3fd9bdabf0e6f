"""Same seed, same numbers, on all of MNIST: tf.keras's log and scratchnn's, side by side.

    python benchmarks/full_parity.py
    python benchmarks/full_parity.py --epochs 1 --samples 6000

The model of the tutorials (Flatten, Dense 128 relu, Dense 10 softmax; Adam, batches of 32) learns
the 60,000 images twice, as raw bytes and scaled to [0, 1], and is evaluated on the 10,000 others.
The libraries share nothing but a seed. Rounding differs, and grows from step to step, so a third
run shows how far tf.keras is from itself: with oneDNN, its default, and without. Needs TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from workloads import positive

Log = dict[str, list[float]]

RUNS = {
    "scratchnn": ("scratchnn", {}),
    "tf.keras": ("keras", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
    "without oneDNN": ("keras", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
}
PIXELS = {"raw": "raw pixels, 0 to 255", "scaled": "pixels scaled to [0, 1]"}
CLOSE = 1e-4
OWN = 3
"""The promise: within CLOSE of tf.keras, or within OWN times what it differs from itself."""


def train(library: str, pixels: str, epochs: int, samples: int, seed: int) -> Log:
    """Return the history, its last entries being the loss and accuracy on the test images."""
    from scratchnn.datasets import mnist

    if library == "keras":
        import keras
    else:
        import scratchnn as keras

    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    x_train, y_train = x_train[:samples], y_train[:samples]
    if pixels == "scaled":
        x_train, x_test = x_train / 255.0, x_test / 255.0

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, epochs=epochs, verbose=0).history
    test = model.evaluate(x_test, y_test, verbose=0)
    return {
        name: [float(value) for value in [*history[name], last]]
        for name, last in zip(("loss", "accuracy"), test, strict=True)
    }


def run(name: str, pixels: str, args: argparse.Namespace) -> Log:
    """Return what `train` returns, from a process of its own."""
    library, environment = RUNS[name]
    command = [sys.executable, __file__, "--epochs", str(args.epochs), "--seed", str(args.seed)]
    command += ["--samples", str(args.samples), "--child", library, "--pixels", pixels]
    env = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **environment,
    }
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    found: Log = json.loads(done.stdout.splitlines()[-1])
    return found


def difference(a: float, b: float) -> float:
    """Return by what share of b the two differ."""
    return abs(a - b) / abs(b) if b else abs(a)


def table(logs: dict[str, Log]) -> str:
    """Return the logs side by side, and the verdict.

    Arguments:
        logs: by the names of RUNS; the last entry of each list is the test's.
    """
    ours, theirs, other = (logs[name] for name in RUNS)
    lines = [
        f"{'':16}{'scratchnn':>12}{'tf.keras':>12}{'difference':>12}"
        f"{'tf.keras without oneDNN, and its difference':>47}"
    ]
    largest = own = 0.0
    epochs = len(theirs["loss"]) - 1
    for i in range(epochs + 1):
        for name in ("loss", "accuracy"):
            label = f"{f'epoch {i + 1}' if i < epochs else 'test':<8}{name}"
            a, b, c = ours[name][i], theirs[name][i], other[name][i]
            largest = max(largest, difference(a, b))
            own = max(own, difference(c, b))
            lines.append(
                f"{label:<16}{a:12.6f}{b:12.6f}{difference(a, b):12.1e}"
                f"{c:35.6f}{difference(c, b):12.1e}"
            )
    kept = largest <= max(CLOSE, OWN * own)
    lines.append(
        f"largest difference {largest:.1e}, tf.keras from itself {own:.1e}: "
        f"{'within' if kept else 'BEYOND'} what is promised, {CLOSE:.0e} or {OWN} times the latter"
    )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--epochs", type=positive, default=3)
    add("--samples", type=positive, default=60_000, help="training images")
    add("--seed", type=int, default=42)
    add("--pixels", choices=list(PIXELS), help="both unless given")
    add("--child", choices=["scratchnn", "keras"], help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    args.samples = min(args.samples, 60_000)
    if args.child:
        log: Any = train(args.child, args.pixels, args.epochs, args.samples, args.seed)
        print(json.dumps(log))
        return
    for pixels in [args.pixels] if args.pixels else PIXELS:
        logs = {name: run(name, pixels, args) for name in RUNS}
        print(f"{args.samples:,} images, {PIXELS[pixels]}, seed {args.seed}\n{table(logs)}\n")


if __name__ == "__main__":
    main()
