"""Train the same program with scratchnn and with Keras, from one seed, and compare the logs.

python examples/same_as_keras.py

Needs Keras and TensorFlow; it takes a minute, nearly all of it theirs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import scratchnn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def train(keras: Any, samples: int, epochs: int) -> Any:
    """The program: nothing in it knows which of the libraries `keras` is."""
    keras.utils.set_random_seed(42)
    (x, y), _ = scratchnn.datasets.mnist.load_data()
    x, y = x[:samples].astype("float32") / 255, y[:samples]
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(x, y, epochs=epochs, batch_size=64, validation_split=0.2, verbose=0)


def picture(differences: dict[str, np.ndarray], theme: str, path: str) -> None:
    """Draw the differences over the epochs, on a scale of powers of ten."""
    shown = {name: np.maximum(values, 1e-9) for name, values in differences.items()}
    figure = scratchnn.plots.training_curves(shown, theme=theme)
    for axes in figure.axes:
        axes.set(yscale="log", ylim=(5e-10, 1e-3))
        axes.set_ylabel(f"|difference| of the {axes.get_ylabel()}")
        axes.set_xlabel("epoch (no difference is drawn at 10⁻⁹)")
        axes.tick_params(which="minor", length=0)
    figure.savefig(path, dpi=200)


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="passes over the images")
    parser.add_argument("--samples", type=int, default=10_000, help="how many images")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--output", default="same_as_keras.png", help="where the picture goes")
    args = parser.parse_args(argv)
    import keras

    ours = train(scratchnn, args.samples, args.epochs).history
    theirs = train(keras, args.samples, args.epochs).history
    names = ["loss", "accuracy", "val_loss", "val_accuracy"]
    differences = {n: np.abs(np.subtract(ours[n], theirs[n])) for n in names}
    print("epoch " + "".join(f"{name:>16}{'in Keras':>12}{'|diff|':>9}" for name in names[::2]))
    for epoch in range(args.epochs):
        columns = [(ours[n][epoch], theirs[n][epoch], differences[n][epoch]) for n in names[::2]]
        print(f"{epoch + 1:5} " + "".join(f"{a:16.8f}{b:12.8f}{d:9.1e}" for a, b, d in columns))
    same = all(ours[name] == theirs[name] for name in names[1::2])
    print(f"accuracies: {'equal in every epoch' if same else 'not all equal'}")
    picture(differences, args.theme, args.output)
    print(f"picture: {args.output}")
    return max(float(values.max()) for values in differences.values())


if __name__ == "__main__":
    main()
