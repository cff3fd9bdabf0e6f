"""Train a network without `fit`: forward, loss, backward and update, each written out.

    python examples/backprop_by_hand.py

Afterwards `train_on_batch` does the same steps to the same network, and the weights agree.
Shape letters: N images in a batch, D pixels, H hidden units, C classes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import scratchnn as keras

N, D, H, C = 32, 28 * 28, 64, 10


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500, help="how many batches to train on")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(0)
    (images, digits), _ = keras.datasets.mnist.load_data()
    images = images.reshape(-1, D).astype("float32") / 255
    batches = [np.arange(i * N, (i + 1) * N) % len(images) for i in range(args.steps)]

    hidden = keras.layers.Dense(H, activation="relu")
    output = keras.layers.Dense(C)
    hidden.build((None, D))
    output.build((None, H))
    parameters = [hidden.kernel, hidden.bias, output.kernel, output.bias]
    start = [p.numpy() for p in parameters]

    # What a layer has to remember until its backward pass lies in a context, not in the layer.
    hidden_ctx, output_ctx = keras.Context(training=True), keras.Context(training=True)
    hidden_ctx.needs_dx = False  # there is nothing to train before the first layer

    losses = []
    print("step   loss, mean of the last 100 steps")
    for step, batch in enumerate(batches, start=1):
        x, y = images[batch], digits[batch]  # (N, D), (N,)

        # Forward: one layer after the other.
        h = hidden.forward(x, hidden_ctx)  # (N, H)
        z = output.forward(h, output_ctx)  # (N, C), the logits

        # Loss: the cross-entropy of p = softmax(z), and its gradient dz = (p - onehot(y)) / N.
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)  # (N, C)
        losses.append(-np.log(p[range(N), y]).mean())
        dz = p.copy()
        dz[range(N), y] -= 1
        dz /= N

        # Backward: the layers in reverse. Each fills in its gradients and hands on dx.
        dh = output.backward(dz, output_ctx)  # (N, H)
        hidden.backward(dh, hidden_ctx)

        # Update: every weight takes a small step downhill.
        for parameter in parameters:
            parameter.value -= np.float32(0.1) * parameter.grad

        if step == 1 or step % 100 == 0:
            print(f"{step:4d}   {np.mean(losses[-100:]):.4f}")

    by_hand = [p.numpy() for p in parameters]
    model = keras.Sequential([keras.Input((D,)), hidden, output])
    model.set_weights(start)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(learning_rate=0.1), loss)
    for batch in batches:
        model.train_on_batch(images[batch], digits[batch])

    pairs = zip(by_hand, model.get_weights(), strict=True)
    difference = max(float(abs(a - b).max()) for a, b in pairs)
    print(f"largest difference from the weights that train_on_batch finds: {difference:.1e}")
    return difference


if __name__ == "__main__":
    main()
