"""The optimizer contract: one formula, applied to all weights of a model at once.

An optimizer of your own names its slots, vectors laid out like the weights, and writes down how a
stretch of weights `w` moves along its gradient `g`, in place:

    class Momentum(Optimizer):
        slots = ("momentum",)

        def update(self, w, g, m):
            m *= 0.9
            m -= self.lr * g
            w += m
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import naming
from ..arrays import Array, Tensor, as_tensor
from ..parameters import Parameter, ParameterStore
from .schedules import LearningRateSchedule

_BLOCK = 65536
"""Weights updated at a time: few enough for their values, gradients and slots to stay in cache."""


class Optimizer:
    """The base of all optimizers; the contract stands at the head of this file.

    Each step, in this order: accumulate, clip, decay the weights, `update`, average the weights,
    apply constraints, count the iteration.

    Arguments:
        learning_rate: a number, a LearningRateSchedule, or a function without arguments.
        weight_decay: d; each step begins with w <- w - w d lr.
        clipnorm: the largest norm of each weight's gradient.
        clipvalue: the largest size of each element of the gradients.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: whether to keep an exponential moving average of the weights,
            a <- ema_momentum a + (1 - ema_momentum) w, which replaces them when fit ends.
        ema_momentum: see above.
        ema_overwrite_frequency: replace the weights by the average every so many steps, too.
        loss_scale_factor: not supported; it is for half precision.
        gradient_accumulation_steps: k >= 2; update every k-th step with the mean of k gradients.
        name: the optimizer's name.

    Raises:
        ValueError: for arguments that are unknown, out of range or exclude one another.
    """

    slots: tuple[str, ...] = ()
    """The names of the vectors that `update` is given beside the weights and gradients."""

    elementwise: bool = True
    """Whether `update` treats each weight alone; if not, it is called for each parameter."""

    listed_after: tuple[str, ...] = ()
    """The slots that `variables` lists at its end, one after the other, as Keras makes them; of
    the others it lists all of one weight, then all of the next."""

    scratch: int = 0
    """How many vectors `update` uses for its intermediate results (`self.temporary`)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(
                f"Argument(s) not recognized by {type(self).__name__}: {kwargs}."
                + naming.nearest_argument(
                    "learning_rate" if "lr" in kwargs else next(iter(kwargs)), type(self)
                )
            )
        if loss_scale_factor is not None:
            raise ValueError(
                "loss_scale_factor is not supported: it is for half precision, and scratchnn "
                f"computes in float32 or float64. Received: {loss_scale_factor}."
            )
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(c is not None for c in clips.values()) > 1:
            raise ValueError(
                "Only one of clipnorm, clipvalue and global_clipnorm can be set. "
                f"Received: {clips}."
            )
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"ema_momentum must be in [0, 1]. Received: {ema_momentum}.")
        if use_ema and ema_overwrite_frequency is not None and ema_overwrite_frequency < 1:
            raise ValueError(
                "ema_overwrite_frequency must be a whole number of steps, at least 1, or None. "
                f"Received: {ema_overwrite_frequency}."
            )
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise ValueError(
                "gradient_accumulation_steps must be at least 2, or None. "
                f"Received: {gradient_accumulation_steps}."
            )
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._learning_rate: Any = _standardize_rate(learning_rate)
        self._not_decayed: list[Parameter] = []
        self._names_not_decayed = ""
        self._steps = 0
        self._trainable: list[Parameter] = []
        self._store: ParameterStore | None = None
        self._average: Array | None = None
        self._accumulated: Array | None = None
        self.lr: Any = None
        self.built = False

    # What an optimizer of your own defines ------------------------------------------------------

    def begin_step(self, t: int) -> None:
        """Work out what is the same for all weights in step t = 1, 2, ...; `self.lr` is set."""

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        """Move a stretch of weights, in place; g may be overwritten."""
        raise NotImplementedError(f"{type(self).__name__} must define update(w, g, ...).")

    # What an optimizer is used by ---------------------------------------------------------------

    def build(self, store: ParameterStore) -> None:
        """Make the slots for the weights of `store`, or take up a store repacked alike.

        Raises:
            ValueError: if the optimizer was built for other weights.
        """
        if self.built:
            if [p.shape for p in self._trainable] != [p.shape for p in store.trainable]:
                raise ValueError(
                    f"The optimizer {self.name!r} was built for other weights: "
                    f"{[p.path for p in self._trainable]}. Received: "
                    f"{[p.path for p in store.trainable]}. Compile the model with a new one."
                )
            store_changed = self._store is not store
        else:
            like = store.values
            self._slots = {name: self.initial(name, np.zeros_like(like)) for name in self.slots}
            if self.use_ema:
                self._average = np.zeros_like(like)
            if self.gradient_accumulation_steps is not None:
                self._accumulated = np.zeros_like(like)
            store_changed = True
        if store_changed:
            self._store = store
            self._trainable = list(store.trainable)
            self._blocks = self._cut_blocks(store)
            self._constrained = [p for p in store.trainable if p.constraint is not None]
            longest = max((len(block[0]) for block in self._blocks), default=0)
            self._scratch = [np.empty(longest, store.dtype) for _ in range(self.scratch)]
        self.built = True

    def initial(self, slot: str, zeros: Array) -> Array:
        """Return what a slot starts as; zeros unless an optimizer says otherwise."""
        return zeros

    def _cut_blocks(self, store: ParameterStore) -> list[list[Array]]:
        """Return the stretches that `update` is given: views of weights, gradients, slots."""
        vectors = [store.values, store.grads, *self._slots.values()]
        if not self.elementwise:
            return [[vector[where] for vector in vectors] for where in store.slices]
        starts = range(0, len(store.values), _BLOCK)
        return [[vector[start : start + _BLOCK] for vector in vectors] for start in starts]

    def temporary(self, number: int, like: Array) -> Array:
        """Return scratch vector `number`, as long as `like`."""
        return self._scratch[number][: like.size]

    def step(self, store: ParameterStore) -> None:
        """Update all weights of `store` by their gradients."""
        if not self.built or store is not self._store:
            self.build(store)
        self.lr = store.dtype.type(self._rate())
        if self._accumulated is None:
            self._apply(store)
        elif (self._steps + 1) % self.gradient_accumulation_steps == 0:  # type: ignore[operator]
            store.grads += self._accumulated
            store.grads /= store.dtype.type(self.gradient_accumulation_steps)
            self._accumulated.fill(0)
            self._apply(store)
        else:
            self._accumulated += store.grads
        if self._average is not None:
            self._update_average(store)
        for parameter in self._constrained:
            assert parameter.constraint is not None
            parameter.value[...] = parameter.constraint(parameter.value)
        self._steps += 1

    def _apply(self, store: ParameterStore) -> None:
        self._clip(store)
        if self.weight_decay is not None:
            self._decay(store)
        self.begin_step(int(self._steps // (self.gradient_accumulation_steps or 1)) + 1)
        for block in self._blocks:
            self.update(*block)

    def _clip(self, store: ParameterStore) -> None:
        if self.clipvalue is not None:
            np.clip(store.grads, -self.clipvalue, self.clipvalue, out=store.grads)
        elif self.clipnorm is not None:
            limit = store.dtype.type(self.clipnorm)
            for where in store.slices:
                g = store.grads[where]
                norm = np.sqrt(np.dot(g, g))
                g *= limit
                g /= np.maximum(norm, limit)
        elif self.global_clipnorm is not None:
            limit = store.dtype.type(self.global_clipnorm)
            norm = np.sqrt(np.dot(store.grads, store.grads))
            # A norm that is not finite makes every gradient NaN, as in Keras.
            store.grads *= limit * np.minimum(1 / norm, 1 / limit) + (norm - norm)

    def _decay(self, store: ParameterStore) -> None:
        decay = store.dtype.type(self.weight_decay)
        for parameter in store.trainable:
            listed = any(parameter is other for other in self._not_decayed)
            named = self._names_not_decayed and re.search(self._names_not_decayed, parameter.name)
            if not (listed or named):
                parameter.value -= parameter.value * decay * self.lr

    def _update_average(self, store: ParameterStore) -> None:
        assert self._average is not None
        momentum = store.dtype.type(self.ema_momentum if int(self.iterations) else 0)
        self._average *= momentum
        self._average += (1 - momentum) * store.values
        frequency = self.ema_overwrite_frequency
        if frequency and (int(self.iterations) + 1) % frequency == 0:
            store.values[...] = self._average

    def finalize_variable_values(self, variables: Any = None) -> None:
        """Replace the weights by their moving average, if one is kept; `fit` ends with this."""
        if self._store is not None and self._average is not None and self._steps > 0:
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
        self._not_decayed = list(var_list or ())
        self._names_not_decayed = "|".join(var_names or ())

    # Learning rate and state --------------------------------------------------------------------

    def _rate(self) -> Any:
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._steps)
        return self._learning_rate() if callable(self._learning_rate) else self._learning_rate

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step, a float32 that can be set."""
        rate = self._rate()
        return rate.view(Tensor) if isinstance(rate, np.ndarray) else as_tensor(np.float32(rate))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or callable(value):
            self._learning_rate = value
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"The learning rate of {self.name!r} follows a schedule, so it cannot be set to "
                f"{value!r}. Make the optimizer with a number as learning_rate."
            )
        else:
            self._learning_rate = _standardize_rate(value)

    @property
    def iterations(self) -> Tensor:
        """The number of updates so far."""
        return as_tensor(np.int64(self._steps // (self.gradient_accumulation_steps or 1)))

    @property
    def variables(self) -> list[Parameter]:
        """The optimizer's state: iteration, learning rate, and the slots weight by weight."""
        state = [self._variable("iteration", np.asarray(self._steps))]
        if isinstance(self._learning_rate, np.ndarray):
            state.append(self._variable("learning_rate", self._learning_rate))
        if self.built:
            extra = {"average": self._average, "gradient_accumulator": self._accumulated}
            for name, vector in extra.items():
                if vector is not None:
                    state += self._named(name, vector)
            slots = {name: self._named(name, vector) for name, vector in self._slots.items()}
            after = [slots.pop(name) for name in self.listed_after]
            by_weight = zip(*slots.values(), strict=True)
            state += [variable for group in (*by_weight, *after) for variable in group]
        return state

    def _named(self, slot: str, vector: Array) -> list[Parameter]:
        """Return one slot as a parameter per weight."""
        assert self._store is not None
        return [
            self._variable(f"{p.path.replace('/', '_')}_{slot}", view)
            for p, view in zip(self._trainable, self._store.view(vector), strict=True)
        ]

    def _variable(self, name: str, value: Array) -> Parameter:
        return Parameter(value, name=name, path=f"{self.name}/{name}", trainable=False)


def _standardize_rate(value: Any) -> Any:
    """Return a number as a float32 array of rank 0, so that its holders see it change."""
    if isinstance(value, LearningRateSchedule) or callable(value):
        return value
    number = np.asarray(value)
    if isinstance(value, bool) or number.ndim or number.dtype.kind not in "fiu":
        raise ValueError(
            "learning_rate must be a number, a LearningRateSchedule or a function without "
            f"arguments. Received: {value!r}."
        )
    return np.array(value, np.float32)
