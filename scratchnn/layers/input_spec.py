"""InputSpec: what a layer of your own says of the inputs that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays import Shape


class InputSpec:
    """What shape and dtype an input must have; a layer's `input_spec` is one, or a list of them.

    It is checked before the layer is built and whenever it is called on data or a KerasTensor.

    Arguments:
        dtype: the dtype, such as 'int32'; any if not given.
        shape: the sizes of all axes, None for one of any size.
        ndim: the number of axes.
        max_ndim, min_ndim: the most and the least number of axes.
        axes: {axis: size}, the sizes of some axes.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing, or one too many.
        name: what errors call the input.
        optional: whether the input may be missing; refused, for no input may.

    Raises:
        TypeError: if the keys of `axes` are not whole numbers.
        ValueError: if one of them is not below `ndim` or `max_ndim`; for `optional`.

    Example:
        >>> from scratchnn.layers import Layer
        >>> class Same(Layer):
        ...     input_spec = InputSpec(ndim=2)
        ...
        ...     def forward(self, x, ctx):
        ...         return x
        >>> Same(name="same")([1.0, 2.0])
        Traceback (most recent call last):
        ...
        ValueError: The layer 'same' expected an input of rank 2. Received: shape (2,).
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        if optional:
            raise ValueError(
                "InputSpec got optional=True, but an input that may be missing is not supported."
            )
        self.dtype = None if dtype is None else str(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = False
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (TypeError, ValueError, AttributeError):
            raise TypeError(
                f"InputSpec expected axes to be a dict of whole numbers. Received: axes={axes!r}."
            ) from None
        most = self.ndim or self.max_ndim
        if most is not None and any(axis >= most for axis in self.axes):
            raise ValueError(
                f"InputSpec expected axes below {most}, the number of axes. Received: "
                f"axes={self.axes}."
            )

    def check(self, layer: str, shape: Shape, dtype: str | None = None) -> None:
        """Raise a ValueError, which names the layer, if an input does not fit."""
        wanted = self._wanted(shape, dtype)
        if wanted is not None:
            found = f"dtype {dtype!r}" if wanted.startswith("dtype") else f"shape {shape}"
            which = "an input" if self.name is None else f"for its input {self.name!r} one"
            raise ValueError(
                f"The layer {layer!r} expected {which} of {wanted}. Received: {found}."
            )

    def _wanted(self, shape: Shape, dtype: str | None) -> str | None:
        """Return what the input should be where it is not; None if it is."""
        rank = len(shape)
        if self.shape is not None and self.allow_last_axis_squeeze:
            if self.shape[-1:] == (1,) and rank == len(self.shape) - 1:
                return self._wanted((*shape, 1), dtype)
            if shape[-1:] == (1,) and rank == len(self.shape) + 1:
                return self._wanted(shape[:-1], dtype)
        if self.ndim is not None and rank != self.ndim:
            return f"rank {self.ndim}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"rank {self.max_ndim} or less"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"rank {self.min_ndim} or more"
        if dtype is not None and self.dtype is not None and dtype != self.dtype:
            return f"dtype {self.dtype!r}"
        for axis, size in self.axes.items():
            fits = -rank <= axis < rank and shape[axis] in (size, None)
            if size is not None and not fits:
                return f"size {size} on axis {axis}"
        for size, found in zip(self.shape or (), shape, strict=False):
            if None not in (size, found) and size != found:
                return f"shape {self.shape}"
        return None

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        said = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name)]
        return f"InputSpec({', '.join(said)})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make it again."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> InputSpec:
        """Return what a config describes."""
        return cls(**config)


def check_specs(layer: str, specs: Any, shapes: Any, dtypes: Sequence[str] | None = None) -> None:
    """Raise a ValueError if the inputs of a layer are not what its `input_spec` says.

    Arguments:
        layer: its name.
        specs: an InputSpec, or a list of one for each input.
        shapes: the shape of its input, or a list of them.
        dtypes: theirs, flat, if they are known.
    """
    found = shapes if isinstance(shapes, list) else [shapes]
    wanted = specs if isinstance(specs, list | tuple) else [specs]
    if len(found) != len(wanted):
        raise ValueError(
            f"The layer {layer!r} expected {len(wanted)} inputs. Received: {len(found)}."
        )
    for i, (spec, shape) in enumerate(zip(wanted, found, strict=True)):
        if spec is not None:
            spec.check(layer, tuple(shape), None if dtypes is None else dtypes[i])
