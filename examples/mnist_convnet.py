"""Recognize handwritten digits with a convnet: more than 99% right, as in Keras's own example.

    python examples/mnist_convnet.py
    python examples/mnist_convnet.py --epochs 1 --samples 5000 --output quick.png

The data is in the package; fifteen passes over it take five to ten minutes on two cores. The
picture shows what the first layer's filters look for, and what each finds in a digit; it needs
matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import scratchnn as keras
from scratchnn import plots


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15, help="passes over the training images")
    parser.add_argument("--samples", type=int, help="train and test on this many images only")
    parser.add_argument("--output", default="mnist_convnet.png", help="the picture to write")
    parser.add_argument("--theme", default="light", choices=["light", "dark"])
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(42)
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    # Images become (28, 28, 1), a grey value per pixel; labels become rows such as 0 0 1 0 ...
    x_train = x_train[: args.samples, ..., None].astype("float32") / 255
    x_test = x_test[: args.samples, ..., None].astype("float32") / 255
    y_train = keras.utils.to_categorical(y_train[: args.samples], 10)
    y_test = keras.utils.to_categorical(y_test[: args.samples], 10)

    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            keras.layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            keras.layers.MaxPooling2D(pool_size=(2, 2)),
            keras.layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            keras.layers.MaxPooling2D(pool_size=(2, 2)),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.summary()
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=128, epochs=args.epochs, validation_split=0.1)

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\n{len(x_test):,} images never seen before: loss {loss:.4f}, {accuracy:.2%} right")

    first = model.layers[0]
    found = first(x_test[:1])  # (1, 26, 26, 32): where each filter finds what it looks for
    probabilities = model.predict(x_test, verbose=0)
    kernel = first.get_weights()[0]
    figure = plots.filter_report(kernel, found, x_test, y_test, probabilities, theme=args.theme)
    figure.savefig(args.output, dpi=200)
    print(f"picture: {args.output}")
    return float(accuracy)


if __name__ == "__main__":
    main()
