"""Operations: what Keras's functional models have of `x + y` and of `ops.mean(x, axis=1)`.

A function of keras.ops that is called on a KerasTensor becomes a layer of the model, without
weights. Its forward pass is the function itself; the table below has the backward passes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np

from .. import activations, naming, tree
from ..arrays import Array
from ..context import Context
from ..graph import KerasTensor, Node
from ..saving import limits
from .base import Layer


class Rule(NamedTuple):
    """How an operation goes backward.

    Attributes:
        module: Keras's module of it: 'numpy' or 'nn'.
        backward: backward(dy, xs, y, ctx, **settings) returns the gradients of its tensors and
            numbers xs, broadcast like y where it goes element by element; None for no gradient.
        ufunc: what NumPy has for it, of the same arguments, to write into a buffer.
        places: the arguments that are tensors; the others are settings, part of the config.
    """

    module: str
    backward: Callable[..., Sequence[Any]]
    ufunc: np.ufunc | None = None
    places: tuple[str, ...] = ("x",)


# --- backward passes: element by element


def _each(xs: Any, dy: Array, ctx: Context, *writers: Callable[[Array], Any]) -> list[Any]:
    """Return what each writer puts into an array like dy; None for what is no array."""
    found: list[Any] = []
    for i, (x, write) in enumerate(zip(xs, writers, strict=True)):
        part = ctx.buffer(f"part{i}", dy.shape, dy.dtype) if isinstance(x, np.ndarray) else None
        if part is not None:
            write(part)
        found.append(part)
    return found


def _subtract(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    return dy, np.negative(dy, out=ctx.buffer("part", dy.shape, dy.dtype))


def _multiply(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    a, b = xs
    return _each(
        xs,
        dy,
        ctx,
        lambda out: np.multiply(dy, b, out=out),
        lambda out: np.multiply(dy, a, out=out),
    )


def _divide(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    def by_divisor(out: Array) -> None:  # - dy y / b
        np.multiply(dy, y, out=out)
        np.divide(out, xs[1], out=out)
        np.negative(out, out=out)

    return _each(xs, dy, ctx, lambda out: np.divide(dy, xs[1], out=out), by_divisor)


def _maximum(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    won = np.greater_equal(xs[0], xs[1])  # the first of equal ones
    return dy * won, dy * ~won


def _minimum(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    won = np.less_equal(xs[0], xs[1])
    return dy * won, dy * ~won


def _power(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    x, n = xs
    by_n = None
    if isinstance(n, np.ndarray):
        by_n = dy * y * np.log(np.where(x > 0, x, 1))  # as TensorFlow: 0 where there is no log
    return (dy * n * np.power(x, n - 1) if isinstance(x, np.ndarray) else None), by_n


def _activation(function: Any) -> Callable[..., Sequence[Array]]:
    derivative = activations.DERIVATIVES[function]

    def backward(dy: Array, xs: Any, y: Array, ctx: Context, **settings: Any) -> Sequence[Array]:
        return (derivative(dy, xs[0], y, ctx, **settings),)

    return backward


# --- backward passes: of whole arrays


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    return tuple(a % rank for a in ([axis] if isinstance(axis, int) else axis))


def _widened(dy: Array, x: Array, axis: Any) -> Array:
    """Return the gradient of a reduction, with the axes that it lost."""
    axes = _axes(axis, x.ndim)
    return dy.reshape([1 if i in axes else n for i, n in enumerate(x.shape)])


def _sum(
    dy: Array, xs: Any, y: Array, ctx: Context, axis: Any = None, keepdims: bool = False
) -> Any:
    return (np.broadcast_to(_widened(dy, xs[0], axis), xs[0].shape),)


def _mean(
    dy: Array, xs: Any, y: Array, ctx: Context, axis: Any = None, keepdims: bool = False
) -> Any:
    count = prod(xs[0].shape[i] for i in _axes(axis, xs[0].ndim))
    return (np.broadcast_to(_widened(dy, xs[0], axis) / dy.dtype.type(count), xs[0].shape),)


def _reshape(dy: Array, xs: Any, y: Array, ctx: Context, **settings: Any) -> Any:
    return (dy.reshape(xs[0].shape),)


def _transpose(dy: Array, xs: Any, y: Array, ctx: Context, axes: Any = None) -> Any:
    return (dy.transpose(None if axes is None else np.argsort(axes)),)


def _concatenate(dy: Array, xs: Any, y: Array, ctx: Context, axis: int = -1) -> Any:
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1]
    return np.split(dy, ends, axis)


def _stack(dy: Array, xs: Any, y: Array, ctx: Context, axis: int = 0) -> Any:
    return list(np.moveaxis(dy, axis, 0))


def _matmul(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    a, b = xs
    if np.ndim(a) < 2 or np.ndim(b) < 2:
        raise ValueError("The gradient of ops.matmul is known for arrays of rank 2 or more.")
    return dy @ b.mT, a.mT @ dy


def _get_item(dy: Array, xs: Any, y: Array, ctx: Context) -> Any:
    dx = np.zeros(xs[0].shape, dy.dtype)
    np.add.at(dx, _key(xs[1]), dy)
    return dx, None


PAIR = ("x1", "x2")
RULES: dict[str, Rule] = {
    "add": Rule("numpy", lambda dy, xs, y, ctx: (dy, dy), np.add, PAIR),
    "subtract": Rule("numpy", _subtract, np.subtract, PAIR),
    "multiply": Rule("numpy", _multiply, np.multiply, PAIR),
    "divide": Rule("numpy", _divide, np.divide, PAIR),
    "true_divide": Rule("numpy", _divide, np.divide, PAIR),
    "maximum": Rule("numpy", _maximum, np.maximum, PAIR),
    "minimum": Rule("numpy", _minimum, np.minimum, PAIR),
    "power": Rule("numpy", _power, None, PAIR),
    "negative": Rule("numpy", lambda dy, xs, y, ctx: (-dy,), np.negative),
    "absolute": Rule("numpy", lambda dy, xs, y, ctx: (dy * np.sign(xs[0]),)),
    "square": Rule("numpy", lambda dy, xs, y, ctx: (2 * dy * xs[0],), np.square),
    "sqrt": Rule("numpy", lambda dy, xs, y, ctx: (dy / (2 * y),)),
    "exp": Rule("numpy", lambda dy, xs, y, ctx: (dy * y,)),
    "log": Rule("numpy", lambda dy, xs, y, ctx: (dy / xs[0],)),
    "tanh": Rule("numpy", _activation(activations.tanh)),
    "relu": Rule("nn", _activation(activations.relu)),
    "relu6": Rule("nn", _activation(activations.relu6)),
    "leaky_relu": Rule("nn", _activation(activations.leaky_relu)),
    "elu": Rule("nn", _activation(activations.elu)),
    "gelu": Rule("nn", _activation(activations.gelu)),
    "sigmoid": Rule("nn", _activation(activations.sigmoid)),
    "silu": Rule("nn", _activation(activations.silu)),
    "softplus": Rule("nn", _activation(activations.softplus)),
    "softmax": Rule("nn", _activation(activations.softmax)),
    "log_softmax": Rule("nn", _activation(activations.log_softmax)),
    "sum": Rule("numpy", _sum),
    "mean": Rule("numpy", _mean),
    "reshape": Rule("numpy", _reshape),
    "expand_dims": Rule("numpy", _reshape),
    "squeeze": Rule("numpy", _reshape),
    "transpose": Rule("numpy", _transpose),
    "concatenate": Rule("numpy", _concatenate, None, ("xs",)),
    "stack": Rule("numpy", _stack, None, ("x",)),
    "matmul": Rule("numpy", _matmul, None, PAIR),
    "get_item": Rule("numpy", _get_item, None, ("x", "key")),
}
"""The operations that a model may have, by the names of their functions in keras.ops."""

CLASSES = {"".join(part.capitalize() for part in name.split("_")): name for name in RULES}
"""Keras's names of their classes."""


class Operation(Layer):
    """A function of keras.ops in a functional model: what calling it on a KerasTensor makes.

    Arguments:
        function: the function's name, such as 'add'.
        settings: its arguments that are not tensors, such as {"axis": 1}.
        name: unique in a model; made from the function's name if not given.

    Raises:
        ValueError: if the gradient of the function is not known.

    Example:
        >>> from scratchnn import Input
        >>> x = Input((3,))
        >>> (2 * x + 1).layer.function
        'add'
    """

    casts_integers = False
    takes_several = True
    has_build_config = False
    supports_masking = True  # it ends masks, and nobody is warned of it

    def __init__(
        self, function: str, settings: Mapping[str, Any] | None = None, name: str | None = None
    ) -> None:
        if function not in RULES:
            refuse_symbols(function)
        super().__init__(name=name or naming.auto_name(function), autocast=False)
        self.function = function
        self.settings = dict(settings or {})
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the function of arrays, or note its call on KerasTensors."""
        tensors: list[KerasTensor] = []

        def slot(value: Any) -> Any:
            if isinstance(value, list | tuple) and has_tensor(value):
                return [slot(item) for item in value]
            if isinstance(value, KerasTensor):
                tensors.append(value)
                return Slot(len(tensors) - 1)
            return value

        call = [slot(value) for value in args]
        if kwargs:
            raise TypeError(f"The operation {self.name!r} takes no keywords. Received: {kwargs}.")
        return self.connect(tensors, {"call": call}) if tensors else self._run([], call)

    def connect(self, inputs: Any, options: Mapping[str, Any] | None = None) -> Any:
        shapes, dtypes = [t.shape for t in inputs], [t.dtype for t in inputs]
        found = []
        for size in (2, 3):  # sizes that differ show which axes follow the input's unknown ones
            arrays = []
            for shape, dtype in zip(shapes, dtypes, strict=True):
                sizes = [size if n is None else n for n in shape]
                limits.check_trial(sizes)
                arrays.append(np.ones(sizes, dtype))
            found.append(self._run(arrays, dict(options or {})["call"]))
        shape = tuple(
            a if a == b else None for a, b in zip(found[0].shape, found[1].shape, strict=True)
        )
        if found[0].dtype.kind == "f":
            self.dtype = found[0].dtype.name
        output = KerasTensor(shape, found[0].dtype.name)
        self.input_shape, self.output_shape = shapes, shape  # type: ignore[assignment]
        Node(self, inputs, [output], False, options)
        return output

    def call_output_shape(self, input_shape: Any, options: Mapping[str, Any]) -> Any:
        arrays = [np.ones([2 if n is None else n for n in shape], "f") for shape in input_shape]
        shape = self._run(arrays, options["call"]).shape
        unknown = input_shape[0][0] is None
        return (None, *shape[1:]) if unknown else shape

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        return _filled(options["call"], inputs, _as_config), {}

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None

    def forward(self, x: Any, ctx: Context) -> Array:
        ctx.xs = _filled(ctx.options["call"], x)
        rule, flat = RULES[self.function], tree.flatten(ctx.xs)
        kinds = {one.dtype for one in flat if isinstance(one, np.ndarray)}
        if rule.ufunc is not None and len(kinds) == 1 and next(iter(kinds)).kind == "f":
            shape = np.broadcast_shapes(*(np.shape(one) for one in flat))
            ctx.y = rule.ufunc(*flat, out=ctx.buffer("y", shape, next(iter(kinds))))
        else:
            ctx.y = np.asarray(self._run(x, ctx.options["call"]))
        return ctx.y  # type: ignore[no-any-return]

    def backward(self, dy: Array, ctx: Context) -> Any:
        if not ctx.needs_dx or dy.dtype.kind != "f":
            return None
        rule = RULES[self.function]
        xs = ctx.xs[0] if isinstance(ctx.xs[0], list) else ctx.xs
        with np.errstate(all="ignore"):
            gradients = rule.backward(dy, xs, ctx.y, ctx, **self.settings)
        dxs: list[Any] = []
        alone = len(tree.flatten(ctx.xs)) == 1
        for place, gradient in zip(_places(ctx.options["call"]), gradients, strict=False):
            if place is not None:
                dxs.append(self._fitted(gradient, xs[place], len(dxs), alone, ctx))
        return dxs

    def _fitted(self, gradient: Any, x: Array, i: int, alone: bool, ctx: Context) -> Array | None:
        """Return a gradient in an array of its own, summed over the axes on which x was spread."""
        if x.dtype.kind != "f" or gradient is None:
            return None
        lead = gradient.ndim - x.ndim
        axes = tuple(range(lead)) + tuple(
            a + lead for a, n in enumerate(x.shape) if n == 1 and gradient.shape[a + lead] != 1
        )
        if not axes and alone and gradient.flags.writeable:
            return gradient  # type: ignore[no-any-return]
        dx = ctx.buffer(f"dx{i}", x.shape, x.dtype)
        if axes:
            gradient = gradient.sum(axis=axes).reshape(x.shape)
        np.copyto(dx, gradient)
        return dx

    def _run(self, arrays: Sequence[Any], call: Any) -> Any:
        from .. import ops

        if self.function == "get_item":
            x, key = _filled(call, arrays)
            return x[_key(key)]
        return getattr(ops, self.function)(*_filled(call, arrays), **self.settings)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings}

    @property
    def class_name(self) -> str:
        """Keras's name of the class of this operation."""
        return next(name for name, function in CLASSES.items() if function == self.function)

    @property
    def module(self) -> str:
        """Where Keras has it."""
        return f"keras.src.ops.{RULES[self.function].module}"


class Slot(NamedTuple):
    """Stands in a call for the tensor of a number."""

    number: int


def symbolic(function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Note the call of a function of keras.ops on KerasTensors; return what it gives."""
    from .. import ops

    if function in ("abs", "swish"):
        function = {"abs": "absolute", "swish": "silu"}[function]
    rule = RULES.get(function)
    if rule is None:
        refuse_symbols(function)
    if function == "get_item":
        given, settings = dict(zip(("x", "key"), args, strict=True)), {}
    else:
        bound = inspect.signature(getattr(ops, function)).bind(*args, **kwargs)
        bound.apply_defaults()
        settings = dict(bound.arguments)
        given = {name: settings.pop(name) for name in rule.places}
    if any(has_tensor(value) for value in settings.values()):
        refuse_symbols(function)
    return Operation(function, settings)(*given.values())


def refuse_symbols(function: str) -> NoReturn:
    """Raise the error for a function that a model cannot have."""
    known = ", ".join(sorted(RULES))
    raise ValueError(
        f"The function ops.{function} was called on a KerasTensor, and its gradient is not known. "
        "Write a layer of your own, with forward(x, ctx) and backward(dy, ctx): see the head of "
        f"scratchnn/layers/base.py. The functions that may be called on a KerasTensor are: {known}."
    )


def from_config(class_name: str, config: Mapping[str, Any]) -> Operation:
    """Return the operation that Keras describes.

    Raises:
        ValueError: if it is none of those that are known.
    """
    function = CLASSES.get(class_name)
    if function is None:
        refuse_symbols(class_name)
    settings = dict(config)
    name = settings.pop("name", None)
    return Operation(function, settings, name)


def has_tensor(value: Any) -> bool:
    """Return whether there is a KerasTensor in an argument: it, or one in lists."""
    if isinstance(value, list | tuple) and not isinstance(value, Slot):
        return any(has_tensor(item) for item in value)
    return isinstance(value, KerasTensor)


def _filled(call: Any, tensors: Sequence[Any], other: Callable[[Any], Any] = lambda x: x) -> Any:
    """Return the arguments of a call, with these in the place of its tensors."""
    if isinstance(call, Slot):
        return tensors[call.number]
    if isinstance(call, list):
        return [_filled(item, tensors, other) for item in call]
    return other(call)


def _places(call: Any) -> list[int | None]:
    """Return, for each argument with a gradient, where it is; None for what is no tensor."""
    if len(call) == 1 and isinstance(call[0], list):
        call = call[0]
    return [i if isinstance(item, Slot) else None for i, item in enumerate(call)]


def _as_config(value: Any) -> Any:
    """Return an argument as Keras writes it down."""
    if isinstance(value, tuple):
        return [_as_config(item) for item in value]
    if isinstance(value, slice):
        parts = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": parts}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    return value


def _key(value: Any) -> Any:
    """Return a key for an array, of what a config has for it."""
    if isinstance(value, list | tuple):
        return tuple(_key(item) for item in value)
    if isinstance(value, Mapping):
        parts = value.get("config", value)
        if value.get("class_name") == "__ellipsis__":
            return Ellipsis
        return slice(parts["start"], parts["stop"], parts["step"])
    return value
