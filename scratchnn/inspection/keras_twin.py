"""A Keras model at work, one step at a time: Keras itself is imported here, and only here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array


def import_keras() -> Any:
    """Return Keras, with TensorFlow under it.

    Raises:
        ImportError: if it is not installed, or runs on something else.
    """
    try:
        import keras
        import tensorflow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "To compare with Keras, Keras and TensorFlow must be installed: "
            'pip install "keras==3.15.1" "tensorflow==2.21.*".'
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            "The comparison takes Keras's gradients from TensorFlow, and Keras runs on "
            f"{keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow before Keras is imported."
        )
    return keras


class Step:
    """What a Keras model did in one step, as arrays.

    Attributes:
        outputs: (layer's number, call's number, output's number) -> what it returned there.
        grads: the same -> the gradient of the loss; without those that the loss does not need.
        y: the model's outputs, flat.
        loss: the loss.
        input_grads: the gradients of the inputs, flat; None for integers.
        gradients: of the trainable weights; None where the loss does not depend on one.
        given: the same as TensorFlow has them, for Keras's optimizer: those of tables whose rows
            are looked up are slices, of which one row may have several.
    """

    def __init__(self) -> None:
        self.outputs: dict[tuple[int, int, int], Array] = {}
        self.grads: dict[tuple[int, int, int], Array] = {}
        self.y: list[Array] = []
        self.loss = 0.0
        self.input_grads: list[Array | None] = []
        self.gradients: list[Array | None] = []
        self.given: list[Any] = []


class KerasTwin:
    """A compiled Keras model that takes steps and is put back afterwards.

    Attributes:
        model: the model.
        layers: its layers, those of models within it included, without inputs.
    """

    def __init__(self, model: Any) -> None:
        self.keras = import_keras()
        self.model = model
        self.layers = list(self._layers_of(model))
        self.seeds = [g for layer in self.layers for g in _seed_generators(layer)]
        metrics = [v for metric in model.metrics for v in metric.variables]
        model.optimizer.build(model.trainable_variables)
        self._kept = [
            (variable, variable.numpy())
            for variable in [
                *model.weights,
                *model.optimizer.variables,
                *(seed.state for seed in self.seeds),
                *metrics,
            ]
        ]

    def restore(self) -> None:
        """Put the model, its optimizer and its random numbers back."""
        for variable, value in self._kept:
            variable.assign(value)

    def _layers_of(self, model: Any) -> Iterator[Any]:
        seen: set[int] = set()
        for layer in self._all_layers_of(model):
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer

    def _all_layers_of(self, model: Any) -> Iterator[Any]:
        for layer in model.layers:
            if isinstance(layer, self.keras.Model):
                yield from self._all_layers_of(layer)
            elif not isinstance(layer, self.keras.layers.InputLayer):
                yield layer

    def step(self, x: Any, y: Any, sample_weight: Any) -> Step:
        """Run forward and backward on a batch; the weights stay, as they are before the update."""
        import tensorflow as tf

        keras, model = self.keras, self.model
        step, calls = Step(), dict.fromkeys(range(len(self.layers)), 0)
        tensors: dict[tuple[int, int, int], Any] = {}

        def watched(number: int, call: Any) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                result = call(*args, **kwargs)
                for i, part in enumerate(keras.tree.flatten(result)):
                    tensors[number, calls[number], i] = part
                calls[number] += 1
                return result

            return run

        for number, layer in enumerate(self.layers):
            layer.call = watched(number, layer.call)
        try:
            x = keras.tree.map_structure(lambda part: tf.convert_to_tensor(_as_data(part)), x)
            inputs = keras.tree.flatten(x)
            with tf.GradientTape() as tape:
                tape.watch([part for part in inputs if part.dtype.is_floating])
                p = model(x, training=True)
                loss = model.compute_loss(
                    x=x,
                    y=keras.tree.map_structure(_as_data, y),
                    y_pred=p,
                    sample_weight=keras.tree.map_structure(_as_data, sample_weight),
                    training=True,
                )
        finally:
            for layer in self.layers:
                del layer.call
        places = [place for place, tensor in tensors.items() if tensor.dtype.is_floating]
        sources = [*inputs, *(tensors[place] for place in places)]
        sources += [variable.value for variable in model.trainable_variables]
        given = tape.gradient(loss, sources)
        found = [None if g is None else _dense(g) for g in given]
        step.outputs = {place: tensor.numpy() for place, tensor in tensors.items()}
        step.y = [part.numpy() for part in keras.tree.flatten(p)]
        step.loss = float(loss)
        step.input_grads = found[: len(inputs)]
        middle = found[len(inputs) : len(inputs) + len(places)]
        step.grads = {k: g for k, g in zip(places, middle, strict=True) if g is not None}
        step.gradients = found[len(inputs) + len(places) :]
        step.given = given[len(inputs) + len(places) :]
        return step

    def update(self, step: Step) -> None:
        """Let the optimizer take a step along the gradients of one."""
        pairs = [
            (self.keras.ops.zeros(v.shape, v.dtype) if g is None else g, v)
            for g, v in zip(step.given, self.model.trainable_variables, strict=True)
        ]
        if pairs:
            self.model.optimizer.apply_gradients(pairs)


def _seed_generators(layer: Any) -> list[Any]:
    """Return what a Keras layer, and the layers in it, draw random numbers from."""
    found = [
        inner.seed_generator
        for inner in layer._flatten_layers()
        if getattr(inner, "seed_generator", None) is not None
    ]
    return list({id(generator): generator for generator in found}.values())


def _as_data(part: Any) -> Any:
    """Return an array as Keras's `fit` would hand it on: floats in float32."""
    if part is None:
        return None
    array = np.asarray(part)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _dense(gradient: Any) -> Array:
    """Return a gradient, which may be one of some rows only, as an array."""
    import tensorflow as tf

    array: Array = tf.convert_to_tensor(gradient).numpy()
    return array
