"""Write the model files of this folder, with the Keras that is installed.

Run once for each version, in an environment of its own (Python 3.11); any folder will do:

    pip install keras==3.3.* tensorflow-cpu==2.16.*     (3.9: tensorflow-cpu==2.18.*;
    python make_files.py                                 2.15: tensorflow-cpu==2.15.* alone)

For each model there is the file itself and, in `<file>.npz`, what that Keras does next: the
predictions `y` for the inputs `x...`, and the losses of three more steps. For .keras it is the
model loaded again that does; for .h5 the one that was saved, for Keras 3 cannot go on training
what it loaded from there.
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

keras = tf.keras
VERSION = ".".join(metadata.version("keras").split(".")[:2])
OLD = VERSION.startswith("2.")
RNG = np.random.default_rng(3)
SAMPLES = 8


def dense(k: Any, rate: float) -> tuple[Any, list[Any]]:
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer=k.regularizers.L2(0.01)),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(rate, seed=4),
            layers.Dense(5),
            layers.LeakyReLU(),
            layers.Reshape((5, 1)),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ],
        name="dense_model",
    )
    return model, [RNG.normal(size=(SAMPLES, 6)).astype("float32")]


def images(k: Any, rate: float) -> tuple[Any, list[Any]]:
    """Two branches over an image, one of them a model of its own, and a second input."""
    layers = k.layers
    inner = k.Sequential(
        [
            k.Input((8, 8, 4)),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ],
        name="block",
    )
    image, extra = k.Input((8, 8, 2), name="image"), k.Input((3,), name="extra")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    x = layers.Add(name="sum")([inner(x), x])
    x = layers.MaxPooling2D(2)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Concatenate()([x, layers.Dense(4, activation="tanh")(extra)])
    model = k.Model([image, extra], layers.Dense(3, activation="softmax")(x), name="image_model")
    arrays = [RNG.normal(size=(SAMPLES, 8, 8, 2)), RNG.normal(size=(SAMPLES, 3))]
    return model, [a.astype("float32") for a in arrays]


def words(k: Any, rate: float) -> tuple[Any, list[Any]]:
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((7,), dtype="int32"),
            layers.Embedding(60, 6, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.GRU(5),
            layers.Dropout(rate, seed=5),
            layers.Dense(3, activation="softmax"),
        ],
        name="word_model",
    )
    # No word twice: Adam adds up the gradients of an embedding's row in Keras 2, and not in 3.
    tokens = RNG.permutation(np.arange(1, 7 * SAMPLES + 1)).reshape(SAMPLES, 7)
    tokens[:, 5:] = 0
    return model, [tokens.astype("int32")]


MODELS = {"dense": dense, "images": images, "words": words}


def optimizers() -> dict[str, Any]:
    """Return the endings of a file's name, and the optimizer of the model in it."""
    made: dict[str, Any] = {".h5": lambda: keras.optimizers.Adam(0.01)}
    if OLD:
        old = keras.optimizers.legacy
        made["-legacy-adam.h5"] = lambda: old.Adam(lr=0.01)
        made["-legacy-sgd.h5"] = lambda: old.SGD(0.05, momentum=0.9, decay=0.1)
    else:
        made[".keras"] = made[".h5"]
    return made


def write(folder: Path, kind: str, ending: str, optimizer: Any) -> None:
    keras.utils.set_random_seed(11)
    # The state of Dropout's seed is not saved: only where the file is loaded does it start afresh.
    model, x = MODELS[kind](keras, 0.25 if ending == ".keras" else 0.0)
    labels = np.arange(SAMPLES) % 3
    inputs = x if len(x) > 1 else x[0]
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for _ in range(3):
        model.train_on_batch(inputs, labels)
    path = folder / f"keras-{VERSION}-{kind}{ending}"
    model.save(str(path))
    loaded = keras.models.load_model(str(path)) if ending == ".keras" else model
    y = loaded.predict(inputs, verbose=0)
    losses = []
    for _ in range(3):
        loaded.reset_metrics()  # else, in some versions, the mean goes on
        losses.append(float(loaded.train_on_batch(inputs, labels)[0]))
    arrays = {f"x{i}": array for i, array in enumerate(x)}
    np.savez_compressed(f"{path}.npz", y=y, losses=losses, labels=labels, **arrays)
    print(path.name, os.path.getsize(path), losses)


def main(folder: Path) -> None:
    for ending, optimizer in optimizers().items():
        kinds = ["dense"] if ending.startswith("-") or (ending == ".h5" and not OLD) else MODELS
        for kind in kinds:
            write(folder, kind, ending, optimizer)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
