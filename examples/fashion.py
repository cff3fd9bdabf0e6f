"""Recognize clothes: about 87% right after ten passes over the training images of Fashion-MNIST.

    python examples/fashion.py
    python examples/fashion.py --epochs 1 --samples 5000 --output quick.png

The data, 31 MB, is downloaded once and kept in ~/.keras/datasets.
The picture needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import scratchnn as keras
from scratchnn import plots

CLASS_NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"]
CLASS_NAMES += ["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training images")
    parser.add_argument("--samples", type=int, help="train and test on this many images only")
    parser.add_argument("--output", default="fashion.png", help="the picture to write")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(42)
    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    x_train, y_train = x_train[: args.samples] / 255.0, y_train[: args.samples]
    x_test, y_test = x_test[: args.samples] / 255.0, y_test[: args.samples]

    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10),  # logits: the loss applies the softmax
        ]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(x_train, y_train, epochs=args.epochs, validation_split=0.1)

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\n{len(x_test):,} images never seen before: loss {loss:.4f}, {accuracy:.2%} right")

    # The same model with a softmax at its end gives probabilities instead of logits.
    classifier = keras.Sequential([model, keras.layers.Softmax()])
    probabilities = classifier.predict(x_test, verbose=0)
    sure = probabilities.max(axis=1)
    print(f"sure of at least 90%: {(sure >= 0.9).mean():.0%} of them")

    figure = plots.classifier_report(history, x_test, y_test, probabilities, CLASS_NAMES)
    figure.savefig(args.output, dpi=200)
    print(f"picture: {args.output}")
    return float(accuracy)


if __name__ == "__main__":
    main()
