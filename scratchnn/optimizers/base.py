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

Where it squares gradients it writes `self.squares(g, out)`: in Keras the squares of an Embedding's
gradient are those of its slices, one for each time that a row was looked up (see occurrences.py).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, Tensor, as_tensor
from ..parameters import Parameter, ParameterStore
from .clipping import clip
from .state import State
from .tables import Repeated, Table

_BLOCK = 65536
"""Weights updated at a time: few enough for their values, gradients and slots to stay in cache."""


_REST = 64
"""Steps from one clearing of what fades to the next."""


class _Share(NamedTuple):
    """The weights that a step moves: all of them, or those that gradients are given for."""

    blocks: list[list[Array]]
    """What each call of `update` is given."""
    tables: list[Table]
    """What is not in these: tables whose rows are looked up."""
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

    _repeated: Repeated | None = None
    _not_decayed: tuple[Parameter, ...] = ()
    _names_not_decayed: str = ""

    # What an optimizer of your own defines ------------------------------------------------------

    def begin_step(self, t: int) -> None:
        """Work out what is the same for all weights in step t = 1, 2, ...; `self.lr` is set."""

    def update(self, w: Array, g: Array, *slots: Array) -> None:
        """Move a stretch of weights, in place; g may be overwritten."""
        raise NotImplementedError(f"{type(self).__name__} must define update(w, g, ...).")

    def update_rest(self, w: Array, *slots: Array) -> None:
        """Do what `update` does where g is 0; for large tables, of which a step sees few rows.

        Without it, `update` is called for all rows.
        """

    def decay_of(self, parameter: Parameter) -> str | None:
        """Return the name of the attribute with a parameter's weight decay; None for no decay."""
        listed = any(parameter is other for other in self._not_decayed)
        named = self._names_not_decayed and re.search(self._names_not_decayed, parameter.name)
        return None if listed or named else "weight_decay"

    # What `update` is written with ---------------------------------------------------------------

    def temporary(self, number: int, like: Array) -> Array:
        """Return scratch array `number`, of the shape of `like`."""
        vector = self._scratch[number][: like.size]
        return vector if like.ndim == 1 else vector.reshape(like.shape)

    def squares(self, g: Array, out: Array) -> Array:
        """Return the squares of gradients, in `out`: of a sum of slices, the sum of theirs."""
        np.multiply(g, g, out=out)
        if self._repeated is not None:
            rows, found, where = self._repeated
            out.reshape(-1, found.width)[rows] = found.squares[where]
        return out

    def sizes(self, g: Array, out: Array) -> Array:
        """Return the sizes of gradients, in `out`: of a sum of slices, the sum of theirs."""
        np.abs(g, out=out)
        if self._repeated is not None:
            rows, found, where = self._repeated
            out.reshape(-1, found.width)[rows] = found.sizes[where]
        return out

    def _note(self, repeated: Repeated | None) -> None:
        self._repeated = repeated

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
        self._tables = [p for p in store.trainable if p.by_rows]
        cls = type(self)
        both_from_one = self.elementwise and _source(cls, "update") is _source(cls, "update_rest")
        self._update_rest = self.update_rest if both_from_one else None
        longest = max([min(len(store.values), _BLOCK), *(p.shape[1] for p in self._tables)])
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
        tables = [i for i in numbers if store.trainable[i].by_rows]
        others = [i for i in numbers if not store.trainable[i].by_rows]
        if self.elementwise:
            vectors = [store.values, store.grads, *self._vectors]
            blocks = [[vector[place] for vector in vectors] for place in self._stretches(others)]
            arrays = {i: [vector[store.slices[i]] for vector in vectors] for i in tables}
        else:
            lists: list[Sequence[Array | None]]
            lists = [store.view(store.values), store.view(store.grads), *self._slots.values()]
            arrays = {i: [a for of_all in lists if (a := of_all[i]) is not None] for i in numbers}
            blocks = [arrays[i] for i in others]
        block = _BLOCK if self.elementwise else None
        decays: dict[str, list[int]] = {}
        for i in numbers:
            name = self.decay_of(store.trainable[i])
            if name is not None:
                decays.setdefault(name, []).append(i)
        return _Share(
            blocks=blocks,
            tables=[Table(store.trainable[i], arrays[i], block) for i in tables],
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

    def step(self, store: ParameterStore) -> None:
        """Update all weights of `store` by their gradients."""
        if not self.built or store is not self._store:
            self.build(store)
        self._step(self._all)

    def _step(self, share: _Share) -> None:
        store = self._store
        self.lr = store.dtype.type(self._rate())
        every = self.gradient_accumulation_steps or 1
        if self._accumulated is not None:
            for parameter in self._tables:
                parameter.write_rows()
        taken = self._steps.item()
        updates, waited = divmod(taken, every)
        if self._accumulated is None:
            self._apply(share, updates + 1)
        elif waited < every - 1:
            self._accumulated += store.grads
        else:
            store.grads += self._accumulated
            store.grads /= store.dtype.type(every)
            for parameter in self._tables:
                parameter.make_dense()
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
        clip(self, self._store, self._tables)
        for name, w in share.decayed:
            decay = getattr(self, name)
            if decay is not None:
                s = np.multiply(w, w.dtype.type(decay), out=self.temporary(0, w))
                s *= self.lr
                w -= s
        self.begin_step(t)
        for block in share.blocks:
            self.update(*block)
        for table in share.tables:
            table.step(self.update, self._update_rest, self._note)
        if self.fading and t % _REST == 0:
            self._clear_faded()
        if self._tables and not type(self).update.__module__.startswith(__package__):
            for parameter in self._tables:
                parameter.make_dense()  # an update of the user's own may have written to g

    def _clear_faded(self) -> None:
        """Set to 0 what would fade to denormal numbers before the next clearing.

        Those take a processor many times as long as others, and change no weight; TensorFlow
        computes without them, too.
        """
        for name, vector in zip(self.slots, self._vectors, strict=True):
            if name in self.fading:
                # What halves in six steps, as 0.9^t nearly does, stays above the smallest number.
                limit = vector.dtype.type(2.0 ** (_REST / 6) * np.finfo(vector.dtype).tiny)
                for start in range(0, len(vector), _BLOCK):
                    part = vector[start : start + _BLOCK]
                    s = np.abs(part, out=self.temporary(0, part))
                    part *= np.greater_equal(s, limit, out=s)

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
        # A gradient that is just what the layer assigned is still one of single lookups.
        looked_up = [p for p, g in zip(variables, gradients, strict=True) if g is p.grad]
        if not self.built:
            self.build(variables)
        numbers = self._numbers(variables)
        if not self._store.holds_its_parameters():
            self._take_up(ParameterStore(self._store.trainable))
        for p in self._store.trainable:
            p.grad[...] = given.get(id(p), 0)
            if not any(p is other for other in looked_up):
                p.occurrences = None
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


def _source(cls: type, name: str) -> type:
    """Return the class, among those that a class comes from, that defines a method."""
    return next(base for base in cls.__mro__ if name in vars(base))


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
