"""The optimizer contract: one formula, applied to all weights of a model at once.

An optimizer of your own names its slots, vectors laid out like the weights, and writes down how a
stretch of weights `w` moves along its gradient `g`, in place:

    class Momentum(Optimizer):
        slots = ("momentum",)

        def update(self, w, g, m):
            m *= 0.9
            m -= self.lr * g
            w += m

With arguments of its own it adds them to what `get_config` returns, to be saved with its model.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, Tensor, as_tensor
from ..parameters import Parameter, ParameterStore
from .state import State

_BLOCK = 65536
"""Weights updated at a time: few enough for their values, gradients and slots to stay in cache."""


class _Share(NamedTuple):
    """The weights that a step moves: all of them, or those that gradients are given for."""

    blocks: list[list[Array]]
    """What each call of `update` is given."""
    decayed: list[tuple[str, Array]]
    """Stretches of weights, each with the name of the attribute that says how fast it decays."""
    constrained: list[Parameter]
    others: list[slice]
    """Where the weights lie that do not move."""


class Optimizer(State):
    """The base of all optimizers; the contract stands at the head of this file.

    Each step, in this order: accumulate, clip, decay the weights, `update`, average the weights,
    apply constraints, count the iteration.

    Arguments:
        learning_rate: a number, a LearningRateSchedule, or a function without arguments.
        weight_decay: d; each step begins with w <- w - w d lr.
        clipnorm: the largest norm of each weight's gradient.
        clipvalue: the largest size of each element of the gradients.
        global_clipnorm: the largest norm of all gradients together. Nothing is clipped where these
            three are None, 0 or negative.
        use_ema: whether to keep an exponential moving average of the weights,
            a <- ema_momentum a + (1 - ema_momentum) w, which replaces them when fit ends.
        ema_momentum: see above.
        ema_overwrite_frequency: replace the weights by the average every so many steps, too.
        loss_scale_factor: not supported; it is for half precision.
        gradient_accumulation_steps: k >= 2; update every k-th step with the mean of k gradients.
        name: the optimizer's name.

    Raises:
        ValueError: for arguments that are unknown, out of range or exclude one another.

    Example:
        >>> class Signs(Optimizer):
        ...     def update(self, w, g):
        ...         w -= self.lr * np.sign(g)
        >>> w = Parameter(np.array([1.0, 2.0]), name="w")
        >>> Signs(0.5).apply([np.array([3.0, -0.1])], [w])
        >>> w.numpy()
        array([0.5, 2.5])
    """

    scratch: int = 0
    """How many arrays `update` uses for its intermediate results (`self.temporary`)."""

    lr: Any = None
    """The learning rate of the present step, in the weights' dtype."""

    _not_decayed: tuple[Parameter, ...] = ()
    _names_not_decayed: str = ""

    # What an optimizer of your own defines ------------------------------------------------------

    def begin_step(self, t: int) -> None:
        """Work out what is the same for all weights in step t = 1, 2, ...; `self.lr` is set."""

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        """Move a stretch of weights, in place; g may be overwritten."""
        raise NotImplementedError(f"{type(self).__name__} must define update(w, g, ...).")

    def decay_of(self, parameter: Parameter) -> str | None:
        """Return the name of the attribute with a parameter's weight decay; None for no decay."""
        listed = any(parameter is other for other in self._not_decayed)
        named = self._names_not_decayed and re.search(self._names_not_decayed, parameter.name)
        return None if listed or named else "weight_decay"

    # What an optimizer is used by ---------------------------------------------------------------

    def build(self, variables: ParameterStore | Iterable[Parameter]) -> None:
        """Make the slots for some weights, or take up another store of the same weights.

        Arguments:
            variables: the weights, in a ParameterStore; a list of them is packed into one.

        Raises:
            ValueError: if the optimizer was built for other weights.
        """
        store = variables if isinstance(variables, ParameterStore) else ParameterStore([*variables])
        if not self.built:
            self.make_state(store)
            self._take_up(store)
            self.built = True
        elif [p.shape for p in self._store.trainable] != [p.shape for p in store.trainable]:
            raise ValueError(
                f"The optimizer {self.name!r} was built for other weights: "
                f"{[p.path for p in self._store.trainable]}. Received: "
                f"{[p.path for p in store.trainable]}. Compile the model with a new one."
            )
        elif store is not self._store:
            self._take_up(store)

    def _take_up(self, store: ParameterStore) -> None:
        """Cut the weights of `store` into what steps work on."""
        self._store = store
        longest = min(len(store.values), _BLOCK)
        if not self.elementwise:
            longest = max([longest, *(p.size for p in store.trainable)])
        # One is for the decay and the average of the weights, which come before and after update.
        self._scratch = [np.empty(longest, store.dtype) for _ in range(max(1, self.scratch))]
        numbers = range(len(store.trainable))
        self._all = self._share(numbers)
        if self._average is not None:
            places = self._stretches(numbers)
            self._averaged = [(self._average[place], store.values[place]) for place in places]

    def _share(self, numbers: Sequence[int]) -> _Share:
        """Return what a step needs to move the parameters of these numbers, and no others."""
        store = self._store
        if self.elementwise:
            vectors = [store.values, store.grads, *self._vectors]
            blocks = [[vector[place] for vector in vectors] for place in self._stretches(numbers)]
        else:
            lists: list[Sequence[Array | None]]
            lists = [store.view(store.values), store.view(store.grads), *self._slots.values()]
            blocks = [[a for of_all in lists if (a := of_all[i]) is not None] for i in numbers]
        decays: dict[str, list[int]] = {}
        for i in numbers:
            name = self.decay_of(store.trainable[i])
            if name is not None:
                decays.setdefault(name, []).append(i)
        return _Share(
            blocks=blocks,
            decayed=[
                (name, store.values[place])
                for name, members in decays.items()
                for place in self._stretches(members)
            ],
            constrained=[p for i in numbers if (p := store.trainable[i]).constraint is not None],
            others=[place for i, place in enumerate(store.slices) if i not in numbers],
        )

    def _stretches(self, numbers: Sequence[int]) -> list[slice]:
        """Return where these parameters lie in a flat vector: neighbours together, in blocks."""
        found: list[slice] = []
        for place, i in enumerate(numbers):
            where = self._store.slices[i]
            if place and numbers[place - 1] == i - 1:
                where = slice(found.pop().start, where.stop)
            found.append(where)
        return [
            slice(start, min(start + _BLOCK, where.stop))
            for where in found
            for start in range(where.start, where.stop, _BLOCK)
        ]

    def temporary(self, number: int, like: Array) -> Array:
        """Return scratch array `number`, of the shape of `like`."""
        vector = self._scratch[number][: like.size]
        return vector if like.ndim == 1 else vector.reshape(like.shape)

    def step(self, store: ParameterStore) -> None:
        """Update all weights of `store` by their gradients."""
        if not self.built or store is not self._store:
            self.build(store)
        self._step(self._all)

    def _step(self, share: _Share) -> None:
        store = self._store
        self.lr = store.dtype.type(self._rate())
        every = self.gradient_accumulation_steps or 1
        taken = self._steps.item()
        updates, waited = divmod(taken, every)
        if self._accumulated is None:
            self._apply(share, updates + 1)
        elif waited < every - 1:
            self._accumulated += store.grads
        else:
            store.grads += self._accumulated
            store.grads /= store.dtype.type(every)
            for place in share.others:
                store.grads[place] = 0
            self._accumulated.fill(0)
            self._apply(share, updates + 1)
        if self._average is not None:
            self._update_average(self._average, updates)
        for parameter in share.constrained:
            assert parameter.constraint is not None
            parameter.value[...] = parameter.constraint(parameter.value)
        self._steps[...] = taken + 1

    def _apply(self, share: _Share, t: int) -> None:
        self._clip()
        for name, w in share.decayed:
            decay = getattr(self, name)
            if decay is not None:
                s = np.multiply(w, w.dtype.type(decay), out=self.temporary(0, w))
                s *= self.lr
                w -= s
        self.begin_step(t)
        for block in share.blocks:
            self.update(*block)

    def _clip(self) -> None:
        store = self._store
        if self.clipnorm is not None and self.clipnorm > 0:
            limit = store.dtype.type(self.clipnorm)
            for where in store.slices:
                g = store.grads[where]
                norm = np.sqrt(np.dot(g, g))
                g *= limit
                g /= np.maximum(norm, limit)
        elif self.global_clipnorm is not None and self.global_clipnorm > 0:
            limit = store.dtype.type(self.global_clipnorm)
            norm = np.sqrt(np.dot(store.grads, store.grads))
            with np.errstate(divide="ignore", invalid="ignore"):
                # A norm that is not finite makes every gradient NaN, as in Keras.
                store.grads *= limit * np.minimum(1 / norm, 1 / limit) + (norm - norm)
        elif self.clipvalue is not None and self.clipvalue > 0:
            np.clip(store.grads, -self.clipvalue, self.clipvalue, out=store.grads)

    def _update_average(self, average: Array, updates: int) -> None:
        momentum = average.dtype.type(self.ema_momentum if updates else 0)
        for a, w in self._averaged:
            a *= momentum
            a += np.multiply(w, 1 - momentum, out=self.temporary(0, w))
        frequency = self.ema_overwrite_frequency
        if frequency and (updates + 1) % frequency == 0:
            self._store.values[...] = average

    def finalize_variable_values(self, variables: Any = None) -> None:
        """Replace the weights by their moving average, if one is kept; `fit` ends with this."""
        if self._average is not None and self._steps > 0:
            self._store.values[...] = self._average

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Parameter] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Leave some weights out of weight decay; to be called before training.

        Arguments:
            var_list: the parameters themselves.
            var_names: patterns that a parameter's name is searched for, such as 'bias'.
        """
        if self.built:
            raise ValueError(
                "exclude_from_weight_decay must be called before the optimizer is built, that is, "
                "before training starts."
            )
        self._not_decayed = tuple(var_list or ())
        self._names_not_decayed = "|".join(var_names or ())

    # Training loops of your own -----------------------------------------------------------------

    def apply(
        self, grads: Iterable[Any], trainable_variables: Iterable[Parameter] | None = None
    ) -> None:
        """Update weights by gradients that you give.

        Arguments:
            grads: an array per weight; None leaves a weight as it is, with a warning.
            trainable_variables: the weights; if not given, those that the optimizer was built for.
                The first call builds it for them.

        Raises:
            ValueError: for gradients that are not of their weights' shapes, and for weights that
                the optimizer was not built for.
        """
        gradients = list(grads)
        if not gradients:
            return
        if trainable_variables is not None:
            variables = list(trainable_variables)
        elif self.built:
            variables = self._store.trainable
        else:
            raise ValueError(
                "The optimizer does not know which weights these gradients are for. Give them as "
                "trainable_variables, or call optimizer.build(trainable_variables) first."
            )
        if len(gradients) != len(variables):
            raise ValueError(
                "There must be a gradient for each weight. Received: "
                f"{len(gradients)} gradients and {len(variables)} weights."
            )
        given = _arrays(variables, gradients)
        if not self.built:
            self.build(variables)
        numbers = self._numbers(variables)
        if not self._store.holds_its_parameters():
            self._take_up(ParameterStore(self._store.trainable))
        for p in self._store.trainable:
            p.grad[...] = given.get(id(p), 0)
        share = sorted(i for i, p in zip(numbers, variables, strict=True) if id(p) in given)
        self._step(self._all if len(share) == len(self._store.trainable) else self._share(share))

    def _numbers(self, variables: Sequence[Parameter]) -> list[int]:
        """Return the places of some parameters among those that the optimizer was built for."""
        known = {id(p): i for i, p in enumerate(self._store.trainable)}
        for p in variables:
            if id(p) not in known:
                raise ValueError(
                    f"The optimizer {self.name!r} was built for other weights: "
                    f"{[p.path for p in self._store.trainable]}. Received: {p.path!r}. "
                    "Make a new optimizer for it."
                )
        return [known[id(p)] for p in variables]

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Parameter]]) -> Tensor:
        """Update weights by gradients given as pairs (gradient, weight), as `apply` does.

        Returns:
            The number of steps so far.
        """
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return as_tensor(self._steps.copy())


def _arrays(variables: Sequence[Parameter], gradients: Sequence[Any]) -> dict[int, Array]:
    """Return the gradients that are given, by the identity of their parameters."""
    found: dict[int, Array] = {}
    missing = []
    for p, gradient in zip(variables, gradients, strict=True):
        if id(p) in found:
            raise ValueError(f"Each weight can have one gradient. Received several of {p.path!r}.")
        if gradient is None:
            missing.append(p.path)
        elif np.shape(gradient) == p.shape:
            found[id(p)] = np.asarray(gradient)
        else:
            raise ValueError(
                f"The gradient of {p.path!r} must have its shape: expected {p.shape}. "
                f"Received: {np.shape(gradient)}."
            )
    if not found:
        raise ValueError(f"No gradients provided for any weight: those of {missing} are None.")
    if missing:
        warnings.warn(f"Weights without a gradient stay as they are: {missing}.", stacklevel=3)
    return found
