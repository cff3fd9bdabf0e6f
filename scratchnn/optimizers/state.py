"""What an optimizer remembers of each weight, and how it is listed, saved and restored."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..parameters import Parameter, ParameterStore
from .settings import Settings


class State(Settings):
    """The slots of an optimizer, and all else that changes with its steps."""

    slots: tuple[str, ...] = ()
    """The names of the arrays that `update` is given beside the weights and gradients."""

    elementwise: bool = True
    """Whether `update` treats each weight alone, and may be given all weights as flat stretches;
    if not, it is called for each parameter, with arrays of its shape."""

    fading: tuple[str, ...] = ()
    """The slots that fade away where gradients are 0, and then move no weight any more."""

    listed_after: tuple[str, ...] = ()
    """The slots that `variables` lists at its end, one after the other, as Keras makes them; of
    the others it lists all of one weight, then all of the next."""

    built: bool = False
    _store: ParameterStore
    _vectors: list[Array]
    _slots: dict[str, list[Array | None]]
    _average: Array | None = None
    _accumulated: Array | None = None

    def initial(self, slot: str) -> float:
        """Return what the elements of a slot start as."""
        return 0.0

    def make_slot(self, slot: str, parameter: Parameter) -> Array | None:
        """Return a new slot of an optimizer that is not elementwise; None if there is none."""
        return np.full(parameter.shape, self.initial(slot), parameter.dtype)

    def make_state(self, store: ParameterStore) -> None:
        """Make the slots for the weights of `store`, and whatever else is remembered of them."""
        self._store = store
        self._vectors, self._slots = [], {}
        for name in self.slots:
            if self.elementwise:
                vector = np.full_like(store.values, self.initial(name))
                self._vectors.append(vector)
                self._slots[name] = [*store.view(vector)]
            else:
                self._slots[name] = [self.make_slot(name, p) for p in store.trainable]
        if self.use_ema:
            self._average = np.zeros_like(store.values)
        if self.gradient_accumulation_steps:
            self._accumulated = np.zeros_like(store.values)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self.built and self.elementwise:  # a copy's slots are views of its own vectors again
            for name, vector in zip(self.slots, self._vectors, strict=True):
                self._slots[name] = [*self._store.view(vector)]

    @property
    def variables(self) -> list[Parameter]:
        """The state: iteration, learning rate, and the slots weight by weight.

        Assigning to one of them changes the optimizer.
        """
        state = [self._variable("iteration", self._steps)]
        if isinstance(self._learning_rate, np.ndarray):
            state.append(self._variable("learning_rate", self._learning_rate))
        if not self.built:
            return state
        for name, vector in {
            "average": self._average,
            "gradient_accumulator": self._accumulated,
        }.items():
            if vector is not None:
                views = enumerate(self._store.view(vector))
                state += [self._variable(self.slot_name(name, i), view) for i, view in views]
        numbers = range(len(self._store.trainable))
        together = [slot for slot in self.slots if slot not in self.listed_after]
        order = [(slot, i) for i in numbers for slot in together]
        order += [(slot, i) for slot in self.listed_after for i in numbers]
        for slot, i in order:
            array = self._slots[slot][i]
            if array is not None:
                state.append(self._variable(self.slot_name(slot, i), array))
        return [*state, *self.other_variables()]

    def slot_name(self, slot: str, number: int) -> str:
        """Return the name under which `variables` lists the slot of a parameter."""
        return f"{self._store.trainable[number].path.replace('/', '_')}_{slot}"

    def other_variables(self) -> list[Parameter]:
        """Return what `variables` lists beside the slots, at its very end."""
        return []

    def _variable(self, name: str, value: Array) -> Parameter:
        return Parameter(value, name=name, path=f"{self.name}/{name}", trainable=False)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Restore the state, all of it or, if anything is wrong, nothing.

        Arguments:
            weights: an array for each of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or the arrays do not fit.

        Example:
            >>> from scratchnn.optimizers import SGD
            >>> optimizer = SGD(0.1)
            >>> optimizer.build([Parameter(np.zeros(3), name="w")])
            >>> optimizer.set_weights([7, 0.5])
            >>> int(optimizer.iterations), float(optimizer.learning_rate)
            (7, 0.5)
        """
        if not self.built:
            raise ValueError(
                f"The optimizer {self.name!r} has no state to set before it is built. Train for a "
                "step, or call optimizer.build(model.trainable_variables) first."
            )
        variables = self.variables
        arrays = [np.asarray(weight) for weight in weights]
        if [a.shape for a in arrays] != [v.shape for v in variables]:
            raise ValueError(
                f"The weights must fit the variables of the optimizer {self.name!r}: expected "
                f"{', '.join(f'{v.path} {v.shape}' for v in variables)}. "
                f"Received shapes: {[a.shape for a in arrays]}."
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the state into `store`, as arrays under the keys '0', '1', ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Restore the state that `save_own_variables` put into `store`.

        State of another number of arrays is skipped, with a warning.

        Raises:
            ValueError: if their shapes differ.
        """
        expected, found = len(self.variables), len(store)
        if found != expected:
            warnings.warn(
                f"The state of the optimizer {self.name!r} is skipped: it has {expected} "
                f"variables, and {found} were saved."
                + ("" if self.built else " The optimizer is not built yet."),
                stacklevel=2,
            )
            return
        self.set_weights([store[str(i)] for i in range(found)])
