"""Calls with initial states: layer(x, initial_state=[h, c])."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import tree
from ...arrays import Shape
from ...context import Context
from ..base import Layer, has_symbols


def given_mask(ctx: Context) -> Any:
    """Return the mask that a recurrent layer computes with, (N, T) or None.

    In a model, one that is called with initial states computes without a mask, though its output
    may have one: Keras hands a mask on by itself only to a call on a single tensor.
    """
    return None if isinstance(ctx.in_mask, list) else ctx.in_mask


class CalledWithStates(Layer):
    """A layer that may be called with the states that its sequences begin with.

    `forward` is then given [x, *states], in place of x.
    """

    _state_shapes: Any = None  # as the call on KerasTensors gave them which built the layer

    def call_inputs(  # type: ignore[override]
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Take a call apart.

        Arguments:
            sequences: (N, T, ...).
            initial_state: a list of states, each (N, U), or the only one itself; zeros if not
                given.
            mask: (N, T).
            training: whether to run as in training.
        """
        options: dict[str, Any] = {"training": training or None, "mask": mask}
        if not has_symbols(sequences):
            sequences = np.asarray(sequences)
        if initial_state is None:
            return sequences, options
        options["one_state"] = not isinstance(initial_state, list | tuple) or None
        return [sequences, *tree.flatten(initial_state)], options

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        said = {name: value for name, value in options.items() if name != "one_state"}
        if not isinstance(inputs, list):
            return [inputs], said or self.said_by_default()
        x, *states = inputs
        given = states[0] if "one_state" in options else self.packed(states)
        return [x], {"initial_state": given, **said}

    def said_by_default(self) -> dict[str, Any]:
        """Return what Keras notes of a call that says nothing."""
        return {"training": False, "mask": None}

    def packed(self, states: list[Any]) -> list[Any]:
        """Return flat states as a call in Keras gives them."""
        return states

    def connect(self, inputs: Any, options: Mapping[str, Any] | None = None) -> Any:
        fresh = not self.built
        outputs = super().connect(inputs, options)
        if fresh and isinstance(inputs, list):
            shapes = [state.shape for state in inputs[1:]]
            one = "one_state" in (options or {})
            self._state_shapes = shapes[0] if one else self.packed(shapes)
        return outputs

    def ensure_built(self, input_shape: Any) -> None:
        self.check_input(input_shape)
        super().ensure_built(input_shape[0] if isinstance(input_shape, list) else input_shape)

    def get_build_config(self) -> dict[str, Any] | None:
        if self._state_shapes is None:
            return super().get_build_config()
        return {
            "shapes_dict": {
                "sequences_shape": self.input_shape,
                "initial_state_shape": self._state_shapes,
            }
        }

    def build_from_config(self, config: dict[str, Any]) -> None:
        shapes: Mapping[str, Any] | None = config.get("shapes_dict")
        if shapes is None:
            super().build_from_config(config)
            return
        shape: Shape = tuple(shapes["sequences_shape"])
        self.ensure_built(shape)
        self._state_shapes = shapes.get("initial_state_shape")
