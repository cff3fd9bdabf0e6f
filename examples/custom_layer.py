"""A layer of your own: Swish with a slope that is learned, and its gradient checked.

python examples/custom_layer.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import scratchnn as keras


class Swish(keras.layers.Layer):
    """y = x * sigmoid(beta * x), with one learned beta per feature.

    Reference: Ramachandran, Zoph and Le, 2017, Searching for Activation Functions.
    """

    def build(self, input_shape):
        self.beta = self.add_weight(name="beta", shape=input_shape[-1:], initializer="ones")

    def forward(self, x, ctx):
        ctx.x = x
        ctx.gate = 1 / (1 + np.exp(-self.beta.value * x))
        return x * ctx.gate

    def backward(self, dy, ctx):
        slope = ctx.gate * (1 - ctx.gate)  # of the sigmoid
        self.beta.grad[...] = (dy * ctx.x**2 * slope).sum(axis=0)
        return dy * (ctx.gate + self.beta.value * ctx.x * slope)


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3, help="passes over the training images")
    parser.add_argument("--samples", type=int, help="train and test on this many images only")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(4, 5))
    keras.inspection.check_gradients(Swish(), x)  # an AssertionError if `backward` is wrong
    print("The gradients of Swish agree with finite differences.")

    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train, y_train = x_train[: args.samples] / 255.0, y_train[: args.samples]
    x_test, y_test = x_test[: args.samples] / 255.0, y_test[: args.samples]

    swish = Swish()
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(64),
            swish,
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=args.epochs)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    beta = swish.beta.numpy()
    print(
        f"{accuracy:.2%} of the test images right; beta from {beta.min():.3f} to {beta.max():.3f}"
    )
    return float(accuracy)


if __name__ == "__main__":
    main()
