"""Recognize handwritten digits: about 97% right after five passes over the training images.

    python examples/mnist_digits.py
    python examples/mnist_digits.py --epochs 1 --samples 5000 --output quick.png

The data is in the package. The picture needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import scratchnn as keras
from scratchnn import plots


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5, help="passes over the training images")
    parser.add_argument("--samples", type=int, help="train and test on this many images only")
    parser.add_argument("--output", default="mnist_digits.png", help="the picture to write")
    parser.add_argument("--theme", default="light", choices=["light", "dark"])
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(42)
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train, y_train = x_train[: args.samples] / 255.0, y_train[: args.samples]
    x_test, y_test = x_test[: args.samples] / 255.0, y_test[: args.samples]

    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(x_train, y_train, epochs=args.epochs, validation_split=0.1)

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\n{len(x_test):,} images never seen before: loss {loss:.4f}, {accuracy:.2%} right")

    probabilities = model.predict(x_test, verbose=0)
    print(f"the first is a {y_test[0]}; predicted: {probabilities[0].argmax()}")

    figure = plots.classifier_report(history, x_test, y_test, probabilities, theme=args.theme)
    figure.savefig(args.output, dpi=200)
    print(f"picture: {args.output}")
    return float(accuracy)


if __name__ == "__main__":
    main()
