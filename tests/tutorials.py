"""The tutorials' image classifiers, trained with either library in a process of its own.

    python tutorials.py keras|scratchnn results.npz task:seed ...

A process of its own, because TensorFlow reads TF_ENABLE_ONEDNN_OPTS once, at its import. For each
task and seed the file holds, as `task:seed/what/name`: the `initial` weights; of the first step the
`loss`, the `gradient`s and the weights `updated` by it; and the `history` of three epochs on 6,000
images.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any
from unittest import mock

import numpy as np

IMAGES = 6000
EPOCHS = 3


def images(task: str) -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST as it is for 'raw'; clothes, or without them digits, in [0, 1] for 'scaled'."""
    from scratchnn.datasets import fashion_mnist, mnist

    if task == "raw":
        (x, y), _ = mnist.load_data()
        return x[:IMAGES], y[:IMAGES]
    # Only from this machine: a test downloads nothing.
    with mock.patch.object(fashion_mnist, "_fetch", side_effect=OSError):
        try:
            (x, y), _ = fashion_mnist.load_data()
        except OSError:
            (x, y), _ = mnist.load_data()
    return x[:IMAGES] / 255.0, y[:IMAGES]


def classifier(k: Any, nn: Any, seed: int) -> Any:
    """Return the tutorials' model, made from the seed, as they write it."""
    k.utils.clear_session()
    k.utils.set_random_seed(seed)
    model = k.Sequential(
        [
            k.layers.Flatten(input_shape=(28, 28)),
            k.layers.Dense(128, activation=nn.relu),
            k.layers.Dense(10, activation=nn.softmax),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def run(library: str, jobs: list[str]) -> dict[str, np.ndarray]:
    """Return all that a library computes for the jobs."""
    if library == "keras":
        import keras as k
        import tensorflow as tf
        from twins import watch_gradients

    else:
        import scratchnn as k
        import scratchnn.tf as tf
        from scratchnn import Model

        def watch_gradients(model: Model) -> Any:
            return lambda: {p.path: p.grad.copy() for p in model.trainable_weights}

    def one(job: str) -> None:
        def keep(what: str, arrays: dict[str, Any]) -> None:
            found.update({f"{job}/{what}/{name}": np.asarray(a) for name, a in arrays.items()})

        task, seed = job.split(":")
        x, y = images(task)
        model = classifier(k, tf.nn, int(seed))
        keep("initial", {w.path: w.numpy() for w in model.weights})
        gradients = watch_gradients(model)

        class First(k.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                if f"{job}/loss/first" not in found:
                    keep("loss", {"first": logs["loss"]})
                    keep("gradient", gradients())
                    keep("updated", {w.path: w.numpy() for w in model.weights})

        keep("history", model.fit(x, y, epochs=EPOCHS, verbose=0, callbacks=[First()]).history)

    found: dict[str, np.ndarray] = {}
    for job in jobs:
        one(job)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.savez(sys.argv[2], **run(sys.argv[1], sys.argv[3:]))
