"""scratchnn, tf.keras and Keras on JAX: one program, three imports."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
from workloads import Array

from .base import ADAM_EPSILON, ADAM_RATE, SGD_RATE, Contender, Task


class KerasProgram(Contender):
    """The same program for scratchnn and for Keras: all that differs is what is imported."""

    kinds = (*Contender.kinds, "step", "predict-one", "call-one")
    networks = ("dense", "convnet", "lstm", "text")
    keras: Any
    model: Any

    def build(self, task: Task) -> None:
        keras = self.keras
        self._task = task
        networks = {
            "dense": self._dense,
            "convnet": self._convnet,
            "lstm": self._lstm,
            "text": self._text,
        }
        inputs = keras.Input(task.x.shape[1:], dtype=task.x.dtype.name)
        self.model = keras.Sequential([inputs, *networks[task.network](task)])
        if task.regression:
            self.model.compile(keras.optimizers.SGD(SGD_RATE), "mean_squared_error")
        else:
            self.model.compile(
                keras.optimizers.Adam(ADAM_RATE, epsilon=ADAM_EPSILON),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
        self._clock = _epoch_clock(keras)

    def _dense(self, task: Task) -> list[Any]:
        layers, (*hidden, last) = self.keras.layers, task.kernels
        return [
            *(layers.Dense(kernel.shape[1], activation="relu") for kernel in hidden),
            layers.Dense(last.shape[1], activation=None if task.regression else "softmax"),
        ]

    def _convnet(self, task: Task) -> list[Any]:
        layers = self.keras.layers
        first, second, last = (kernel.shape[-1] for kernel in task.kernels)
        return [
            layers.Conv2D(first, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(second, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(last, activation="softmax"),
        ]

    def _lstm(self, task: Task) -> list[Any]:
        layers = self.keras.layers
        first, gates, last = (kernel.shape[-1] for kernel in task.kernels)
        return [
            layers.Dense(first, activation="relu"),
            layers.LSTM(gates // 4),
            layers.Dense(last, activation="softmax"),
        ]

    def _text(self, task: Task) -> list[Any]:
        layers, (vectors, last) = self.keras.layers, task.kernels
        return [
            layers.Embedding(*vectors.shape),
            layers.GlobalAveragePooling1D(),
            layers.Dense(last.shape[1], activation="softmax"),
        ]

    def set_kernels(self, kernels: list[Array]) -> None:
        for layer, kernel in zip(self._weighted(), kernels, strict=True):
            parts, biases = _split(layer.get_weights())  # an LSTM has a kernel for x, and one for h
            rows = np.cumsum([len(part) for part in parts])
            zeros = [np.zeros_like(bias) for bias in biases]  # an Embedding has none
            layer.set_weights([*np.split(kernel, rows[:-1]), *zeros])

    def weights(self) -> list[tuple[Array, Array]]:
        found = []
        for layer in self._weighted():
            parts, biases = _split(layer.get_weights())
            kernel = np.concatenate(parts)
            found.append((kernel, biases[0] if biases else np.zeros_like(kernel[0])))
        return found

    def _weighted(self) -> list[Any]:
        return [layer for layer in self.model.layers if layer.weights]

    def fit(self, epochs: int, verbose: int = 0, callbacks: Any = None) -> None:
        self.model.fit(
            self._task.x,
            self._task.y,
            batch_size=self._task.batch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
        )

    def timed_epoch(self) -> float:
        self.fit(1, callbacks=[self._clock])
        return self._clock.seconds

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        loss, accuracy = self.model.evaluate(x, y, verbose=0)
        return float(loss), float(accuracy)

    def predict(self, x: Any) -> Array:
        return self.model.predict(x, verbose=0)

    def call(self, x: Any) -> Array:
        return np.asarray(self.model(x))


def _split(weights: list[Array]) -> tuple[list[Array], list[Array]]:
    """Return a layer's kernels, and its biases."""
    return [w for w in weights if w.ndim > 1], [w for w in weights if w.ndim == 1]


def _epoch_clock(keras: Any) -> Any:
    """Return a callback that times the last epoch."""

    class EpochClock(keras.callbacks.Callback):
        seconds = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self._start

    return EpochClock()


class Scratchnn(KerasProgram):
    name = "scratchnn"
    title = "scratchnn"
    modules = ("scratchnn",)
    imports = "import scratchnn; scratchnn.Sequential, scratchnn.layers.Dense"
    kinds = (*KerasProgram.kinds, "verbose")

    def __init__(self, threads: int) -> None:
        import scratchnn

        self.keras = scratchnn

    def versions(self) -> dict[str, str]:
        return {"scratchnn": self.keras.__version__}


class TfKeras(KerasProgram):
    name = "tf.keras"
    title = "tf.keras"
    modules = ("tensorflow", "keras")
    imports = "import tensorflow as tf; tf.keras.Sequential, tf.keras.layers.Dense"
    environment: ClassVar[dict[str, str]] = {"KERAS_BACKEND": "tensorflow"}

    def __init__(self, threads: int) -> None:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._tf = tf
        self.keras = tf.keras

    def versions(self) -> dict[str, str]:
        return {"TensorFlow": self._tf.__version__, "Keras": self.keras.__version__}


class KerasOnJax(KerasProgram):
    name = "keras-jax"
    title = "Keras on JAX"
    modules = ("keras", "jax")
    imports = "import keras; keras.Sequential, keras.layers.Dense"
    environment: ClassVar[dict[str, str]] = {"KERAS_BACKEND": "jax"}

    def __init__(self, threads: int) -> None:
        import keras

        self.keras = keras

    def versions(self) -> dict[str, str]:
        import jax

        return {"Keras": self.keras.__version__, "JAX": jax.__version__}
