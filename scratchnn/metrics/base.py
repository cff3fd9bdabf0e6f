"""The metric contract: `update_state` per batch, `result` when asked, `reset_state` per epoch.

A metric of your own keeps what it counts in variables:

    class Positives(Metric):
        def __init__(self, name="positives", **kwargs):
            super().__init__(name=name, **kwargs)
            self.total = self.add_weight(name="total", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(np.sum(y_pred > 0.5))

        def result(self):
            return self.total.value

`reset_state` sets them to zero, unless you define another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from .. import config, initializers, naming
from ..arrays import Array, Shape, Tensor, as_tensor
from ..context import Logits
from .variable import Variable

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


class Metric:
    """The base of all metrics; the contract stands at the head of this file.

    Arguments:
        dtype: what the metric computes in; the default float dtype if not given.
        name: the key in History and logs; made from the class name if not given.

    Raises:
        ValueError: for a dtype that NumPy does not compute in.

    Example:
        >>> class Positives(Metric):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.total = self.add_weight(name="total", initializer="zeros")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.total.assign_add(np.sum(np.asarray(y_pred) > 0.5))
        ...     def result(self):
        ...         return self.total.value
        >>> metric = Positives()
        >>> metric.name, metric([1, 0], [0.9, 0.8])
        ('positives', np.float32(2.0))
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls) and "update" not in vars(cls):
            # Whichever metric it extends, what the class defines itself is what counts.
            cls.update = Metric.update  # type: ignore[method-assign]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.dtype = _dtype_name(dtype)
        self._variables: list[Variable] = []

    @property
    def wants_raw_targets(self) -> bool:
        """Whether a model gives `update` the targets as they came, and not as the loss has them."""
        return type(self).update is Metric.update

    # What a metric of your own defines ----------------------------------------------------------

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch: (y_true, y_pred, sample_weight=None), or (values, ...) for a Mean."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state.")

    def result(self) -> Any:
        """Return the value over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define result.")

    def reset_state(self) -> None:
        """Forget all batches: set the variables to zero."""
        for variable in self.variables:
            variable.reset()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}

    # What it is used by -------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch and return the value so far."""
        self._check_initialized()
        self.update_state(*args, **kwargs)
        return self.result()

    def add_variable(
        self,
        shape: int | Sequence[int],
        initializer: Any = None,
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """Return a new variable, one of `variables`.

        Arguments:
            shape: its shape; () for a number.
            initializer: a name, an initializer or a function of (shape, dtype); zeros if None.
            dtype: its dtype; the default float dtype if not given.
            aggregation: how Keras would bring several devices' values together; there is one here.
            name: its name; 'variable', 'variable_1', ... if not given.

        Raises:
            RuntimeError: if the metric's own constructor has not called super().__init__().
            ValueError: for another aggregation.

        Example:
            >>> Metric().add_variable((2,), "ones", name="counts")
            <Variable path=metric/counts, shape=(2,), dtype=float32, value=[1. 1.]>
        """
        self._check_initialized()
        if aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"aggregation must be one of {_AGGREGATIONS}. Received: {aggregation!r}."
            )
        shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        initialize = initializers.get("zeros" if initializer is None else initializer)
        assert initialize is not None
        dtype = _dtype_name(dtype)
        name = name or naming.auto_name("variable")
        value = np.asarray(initialize(shape, dtype), dtype)
        variable = Variable(value, name=name, path=f"{self.name.replace('/', '>')}/{name}")
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: int | Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Return a new variable: `add_variable` by the name layers have for it."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """What the metric keeps, and what the metrics among its attributes keep."""
        found = list(self._variables)
        for metric in _metrics_in(vars(self).values()):
            found += metric.variables
        return found

    def update(self, y: Array, p: Array, weight: Array | None, logits: Logits | None) -> None:
        """Take in one batch of a model: `update_state` without the checks, already done.

        Arguments:
            y: targets as the loss prepared them.
            p: the model's predictions; `logits`, what they were computed from, if known.
            weight: sample weights, or None.
        """
        self.update_state(y, p, sample_weight=weight)

    def masked(self, weight: Array | None, mask: Array) -> Array | None:
        """Return the weights to `update` with where a model's output has a mask.

        As in Keras, only metrics that are means of a function of targets and predictions leave out
        what is masked; the others have the weights as they are.
        """
        return weight

    def check(self, y: Array, output_shape: Shape) -> None:
        """Raise a ValueError if the metric cannot be computed from a model's targets `y`."""

    # The same without keeping anything ----------------------------------------------------------

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """Return what the variables would hold after one batch, had they held these values.

        Example:
            >>> from scratchnn.metrics import Sum
            >>> [float(v) for v in Sum().stateless_update_state([1.0], [2.0, 3.0])]
            [6.0]
        """
        with self._holding(metric_variables):
            self.update_state(*args, **kwargs)
            return self._values()

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """Return what `result` would, if the variables held these values."""
        with self._holding(metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Tensor]:
        """Return what the variables would hold after a reset."""
        with self._holding(self._values()):
            self.reset_state()
            return self._values()

    def _values(self) -> list[Tensor]:
        return [as_tensor(variable.value) for variable in self.variables]

    @contextlib.contextmanager
    def _holding(self, values: Sequence[Any]) -> Iterator[None]:
        """Let the variables hold other values within the `with` block."""
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"metric_variables must hold one array for each of the {len(variables)} variables "
                f"of {type(self).__name__}. Received: {len(values)}."
            )
        kept = [variable.value for variable in variables]
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            yield
        finally:
            for variable, value in zip(variables, kept, strict=True):
                variable.value = value

    def _check_initialized(self) -> None:
        if "_variables" not in vars(self):
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must call super().__init__() before anything else."
            )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the metric that `get_config` describes."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _dtype_name(dtype: Any) -> str:
    """Return the name of a metric's dtype."""
    if dtype is None or (isinstance(dtype, str) and dtype == "float"):
        return config.floatx()
    try:
        name: str = np.dtype(getattr(dtype, "compute_dtype", dtype)).name
    except TypeError:
        name = ""
    if not name.startswith(("float", "int", "uint")):
        raise ValueError(
            "A metric's dtype must be one that NumPy computes in, such as 'float32' or 'int64'. "
            f"Received: dtype={dtype!r}."
        )
    return name


def _metrics_in(values: Iterable[Any]) -> Iterator[Metric]:
    for value in values:
        if isinstance(value, Metric):
            yield value
        elif isinstance(value, list | tuple):
            yield from _metrics_in(value)
        elif isinstance(value, dict):
            yield from _metrics_in(value.values())


# What metrics share -------------------------------------------------------------------------------


def as_array(values: Any) -> Array:
    """Return an array as it is; floats in a list become the default float dtype."""
    array = np.asarray(values)
    listed = array.dtype.kind == "f" and not hasattr(values, "dtype")
    return array.astype(config.floatx()) if listed else array


def as_floats(values: Any) -> Array:
    """Return an array of floats as it is, and anything else in the default float dtype."""
    array = as_array(values)
    return array if array.dtype.kind == "f" else array.astype(config.floatx())


def squeeze_or_expand(y: Array, p: Array, expand_vectors: bool = True) -> tuple[Array, Array]:
    """Return both with a last axis of size 1 added or dropped where their ranks differ by one.

    It is added to the one that is a vector, unless not `expand_vectors`, or else dropped.
    """
    if y.ndim == p.ndim + 1 and y.shape[-1] == 1:
        return (y, p[:, np.newaxis]) if p.ndim == 1 and expand_vectors else (y[..., 0], p)
    if p.ndim == y.ndim + 1 and p.shape[-1] == 1:
        return (y[:, np.newaxis], p) if y.ndim == 1 and expand_vectors else (y, p[..., 0])
    return y, p


def check_same_shape(name: str, y: Shape, p: Shape) -> None:
    """Raise the ValueError for targets that have not the shape of the predictions."""
    rank = max(len(y), len(p))
    same = len(y) == len(p)
    if abs(len(y) - len(p)) == 1:
        same = (y if len(y) > len(p) else p)[-1] == 1
    same = same and all(
        m == n or m is None or n is None for m, n in zip(y[1:rank], p[1:rank], strict=False)
    )
    if not same:
        labels = len(y) == len(p) - 1 or y[-1:] == (1,)
        raise ValueError(
            f"The metric {name!r} expected targets of the shape of the predictions, "
            f"{batch_shape(p)}. Received: targets of shape {batch_shape(y)}."
            + (" Integer labels become such targets by utils.to_categorical." if labels else "")
        )


def batch_shape(shape: Shape) -> str:
    """Return a shape as text, with N for its first axis."""
    return f"({', '.join(['N', *map(str, shape[1:])])}{',' if len(shape) < 2 else ''})"


def divide_no_nan(a: Any, b: Any) -> Any:
    """Return a / b, and 0 where b is 0."""
    a, b = np.asarray(a), np.asarray(b)
    found = np.zeros(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    return np.divide(a, b, out=found, where=b != 0)
