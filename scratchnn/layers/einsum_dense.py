"""EinsumDense: a dense layer along axes that an equation names."""

from __future__ import annotations

import copy
import re
import string
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .. import activations, constraints, initializers, regularizers
from ..arrays import Array, Shape
from ..context import Context
from ..initializers import VarianceScaling
from .base import Layer
from .core import refuse

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class EinsumDense(Layer):
    """A product with a kernel along the axes of an equation: y = activation(einsum(x, W) + b).

    Every einsum of two arrays is a product of stacks of matrices, of axes that are in both and in
    the output (B), in x and the output (F), in both and not in the output (K), and in the kernel
    and the output (G): y (B, F, G) = x (B, F, K) W (B, K, G). So forward and backward are three
    matrix products. Axes of x that are nowhere else are added up first.

    Arguments:
        equation: such as 'abc,cd->abd', '...c,cd->...d' or 'ab...,bc->ac...'; a letter is an axis
            of x, of W, and of y.
        output_shape: the sizes of y's axes but the first, without those that '...' stands for;
            None for a size that is also one of x.
        activation: as for Dense.
        bias_axes: the letters of y's axes that b has; None for no b.
        kernel_initializer, bias_initializer: what W and b start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: what W, b and y add to the loss.
        kernel_constraint, bias_constraint: what each update of W and b ends with.
        **kwargs: the arguments of every Layer.

    Shape:
        x, y and W as the equation has them; b as the axes of y from the first of `bias_axes` on,
        with 1 for those that are not among them.

    Raises:
        ValueError: for an equation of another form; if the sizes do not fit it.

    Example:
        >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")
        >>> layer(np.zeros((2, 3, 4))).shape, layer.kernel.shape, layer.bias.shape
        ((2, 3, 5), (4, 5), (5,))

    Reference: Einstein, 1916, Die Grundlage der allgemeinen Relativitaetstheorie, section 5.
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse(
            self,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization=quantization_config,
        )
        self.equation = equation
        alone = isinstance(output_shape, int | np.integer)
        self.partial_output_shape = (output_shape,) if alone else tuple(output_shape)
        self._spec = _parse(equation, bias_axes, len(self.partial_output_shape))
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.nonlinearity = activations.Nonlinearity(self.activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        of_x, of_w, of_y = self._spec.letters(len(input_shape))
        sizes = self._sizes(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=[sizes[letter] for letter in of_w],  # type: ignore[misc]
            initializer=self._initializer(of_w, of_y),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._has_bias = self.bias_axes is not None
        if self.bias_axes is not None:
            last = of_y[min(of_y.index(letter) for letter in self.bias_axes) :]
            shape = [sizes[letter] if letter in self.bias_axes else 1 for letter in last]
            self.bias = self.add_weight(
                name="bias",
                shape=shape,  # type: ignore[arg-type]
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self._product = _Product(of_x, of_w, of_y)
        self._rank = len(input_shape)
        self.nonlinearity.build(self._output_shape(input_shape))

    def _initializer(self, of_w: str, of_y: str) -> Any:
        """Return the initializer, told which axes of the kernel lead in and which lead out."""
        initializer = self.kernel_initializer
        if isinstance(initializer, VarianceScaling) and None in (
            initializer.input_axes,
            initializer.output_axes,
        ):
            initializer = copy.copy(initializer)
            initializer.output_axes = [i for i, letter in enumerate(of_w) if letter in of_y]
            initializer.input_axes = [i for i, letter in enumerate(of_w) if letter not in of_y]
        return initializer

    def _sizes(self, input_shape: Shape) -> dict[str, int | None]:
        """Return the size of each letter's axis.

        Raises:
            ValueError: if the input and the output disagree, or an axis of the kernel is unknown.
        """
        of_x, of_w, _ = self._spec.letters(len(input_shape))
        sizes = dict(zip(of_x, input_shape, strict=True))
        for letter, size in zip(self._spec.named, self.partial_output_shape, strict=True):
            if size is not None and sizes.setdefault(letter, size) != size:
                raise ValueError(
                    f"The layer {self.name!r}, {self.equation!r}, expected the axis {letter!r} of "
                    f"its input to have size {size}. Received: shape {input_shape}."
                )
        unknown = [letter for letter in of_w if sizes.get(letter) is None]
        if unknown:
            raise ValueError(
                f"The layer {self.name!r}, {self.equation!r}, expected the sizes of all axes of "
                f"its kernel to be known. Received: an input of shape {input_shape} and "
                f"output_shape={self.partial_output_shape}, without that of {unknown[0]!r}."
            )
        return sizes

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.shape = x.shape
        y = self._product.forward(x, self.kernel.value, ctx)
        if self._has_bias:
            y += self.bias.value
        return self.nonlinearity.forward(y, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        dy = self.nonlinearity.backward(dy, ctx)
        if self._has_bias:
            shape = self.bias.shape
            lead = dy.ndim - len(shape)
            axes = [i for i in range(dy.ndim) if i < lead or shape[i - lead] == 1]
            np.add.reduce(
                dy, axis=tuple(axes), keepdims=True, out=self.bias.grad.reshape((1,) * lead + shape)
            )
        return self._product.backward(dy, self.kernel.grad, ctx)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.nonlinearity.compute_output_shape(self._output_shape(input_shape))

    def _output_shape(self, input_shape: Shape) -> Shape:
        sizes = self._sizes(input_shape)
        return tuple(sizes.get(letter) for letter in self._spec.letters(len(input_shape))[2])

    def check_input(self, shape: Shape) -> None:
        least = len(self._spec.of_x)
        exact = None if self._spec.elided else least
        if self.built:
            exact = self._rank
        if len(shape) < least or (exact is not None and len(shape) != exact):
            raise ValueError(
                f"The layer {self.name!r}, {self.equation!r}, expected an input of rank "
                f"{exact or f'{least} or more'}. Received: shape {shape}."
            )
        sizes = self._sizes(shape)
        if self.built and tuple(sizes[letter] for letter in self._spec.of_w) != self.kernel.shape:
            raise ValueError(
                f"The layer {self.name!r}, {self.equation!r}, expected an input that fits its "
                f"kernel of shape {self.kernel.shape}. Received: shape {shape}."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }


class _Spec:
    """The letters of an equation; `elided` is 'left', 'right' or '', the side of its '...'."""

    def __init__(self, of_x: str, of_w: str, of_y: str, elided: str) -> None:
        self.of_x, self.of_w, self.of_y, self.elided = of_x, of_w, of_y, elided
        self.named = of_y if elided == "left" else of_y[1:]
        """The axes of y that output_shape tells the sizes of: the first is the batch's."""

    def letters(self, rank: int) -> tuple[str, str, str]:
        """Return the letters of x, the kernel and y for an x of some rank, without '...'."""
        used = {*self.of_x, *self.of_w, *self.of_y}
        spare = [letter for letter in string.ascii_letters if letter not in used]
        more = "".join(spare[: rank - len(self.of_x)])
        if self.elided == "left":
            return more + self.of_x, self.of_w, more + self.of_y
        return self.of_x + more, self.of_w, self.of_y + more


def _parse(equation: str, bias_axes: str | None, sizes: int) -> _Spec:
    """Return the letters of an equation.

    Raises:
        ValueError: if it is none that the layer can compute.
    """
    match = _FORM.fullmatch(equation) if isinstance(equation, str) else None
    before = after = None
    if match is not None:
        before, of_x, after, of_w, before_y, of_y, after_y = match.groups()
        if (before, after) != (before_y, after_y) or (before and after):
            match = None
    if match is None:
        raise ValueError(
            "The equation of an EinsumDense must have the form '[X],[W]->[Y]', "
            f"'...[X],[W]->...[Y]' or '[X]...,[W]->[Y]...'. Received: {equation!r}."
        )
    spec = _Spec(of_x, of_w, of_y, "left" if before else "right" if after else "")
    for letters in (of_x, of_w, of_y):
        if len({*letters}) < len(letters):
            raise ValueError(
                f"An axis comes up twice in {letters!r}, of the equation {equation!r}; EinsumDense "
                "takes no diagonals."
            )
    if not before and of_x[0] != of_y[0]:
        raise ValueError(
            "The first axis of the input and of the output must be the batch's. "
            f"Received: {equation!r}."
        )
    for letter in of_y:
        if letter not in of_x + of_w:
            raise ValueError(f"The axis {letter!r} is in the output of {equation!r} alone.")
    for letter in of_w:
        if letter not in of_x + of_y:
            raise ValueError(f"The axis {letter!r} is in the kernel of {equation!r} alone.")
    for letter in bias_axes or "":
        if letter not in of_y:
            raise ValueError(
                f"bias_axes={bias_axes!r} has the axis {letter!r}, which the output of "
                f"{equation!r} has not."
            )
    if len(spec.named) != sizes:
        raise ValueError(
            f"output_shape must have {len(spec.named)} sizes, for the axes {spec.named!r} of "
            f"{equation!r}. Received: {sizes}."
        )
    return spec


class _Product:
    """An einsum of x and a kernel as a product of stacks of matrices, and its gradients.

    Arguments:
        of_x, of_w, of_y: the letters of their axes.
    """

    def __init__(self, of_x: str, of_w: str, of_y: str) -> None:
        both = [c for c in of_y if c in of_x and c in of_w]
        free = [c for c in of_y if c in of_x and c not in of_w]
        made = [c for c in of_y if c not in of_x]
        inner = [c for c in of_w if c in of_x and c not in of_y]
        self._added = [i for i, c in enumerate(of_x) if c not in of_w and c not in of_y]
        self._rest = [c for c in of_x if c in of_w or c in of_y]
        self._groups = both, free, inner, made
        self._of_w, self._of_y = list(of_w), list(of_y)

    def forward(self, x: Array, w: Array, ctx: Context) -> Array:
        both, free, inner, made = self._groups
        if self._added:
            x = np.add.reduce(x, axis=tuple(self._added))
        sizes = dict(zip(self._of_w, w.shape, strict=True)) | dict(
            zip(self._rest, x.shape, strict=True)
        )
        ctx.sizes = sizes
        ctx.x = _stack(x, self._rest, (both, free, inner), sizes, "x", ctx)
        ctx.w = _stack(w, self._of_w, (both, inner, made), sizes, "w", ctx)
        y = ctx.buffer("product", (len(ctx.x), ctx.x.shape[1], ctx.w.shape[2]))
        np.matmul(ctx.x, ctx.w, out=y)
        return self._unstacked(y, (both, free, made), self._of_y, "y", ctx)

    def backward(self, dy: Array, dw: Array, ctx: Context) -> Array | None:
        both, free, inner, made = self._groups
        dy = _stack(dy, self._of_y, (both, free, made), ctx.sizes, "dy", ctx)
        product = ctx.buffer("d kernel", ctx.w.shape)
        np.matmul(ctx.x.mT, dy, out=product)
        np.copyto(dw, _unfolded(product, (both, inner, made), self._of_w, ctx.sizes))
        if not ctx.needs_dx:
            return None
        dx = np.matmul(dy, ctx.w.mT, out=ctx.buffer("d x", ctx.x.shape))
        if not self._added:
            return self._unstacked(dx, (both, free, inner), self._rest, "dx", ctx)
        whole = ctx.buffer("dx", ctx.shape)
        part = _unfolded(dx, (both, free, inner), self._rest, ctx.sizes)
        np.copyto(whole, np.expand_dims(part, tuple(self._added)))
        return whole

    def _unstacked(
        self, product: Array, groups: tuple[list[str], ...], of: list[str], name: str, ctx: Context
    ) -> Array:
        """Return a stack of matrices as an array of the axes `of`, in order in memory, too."""
        array = _unfolded(product, groups, of, ctx.sizes)
        if array.flags.c_contiguous:
            return array
        out = ctx.buffer(name, array.shape)
        np.copyto(out, array)
        return out


def _stack(
    array: Array,
    of: Sequence[str],
    groups: tuple[list[str], ...],
    sizes: dict[str, int],
    name: str,
    ctx: Context,
) -> Array:
    """Return an array of the axes `of` as a stack of matrices, one axis for each group."""
    moved = array.transpose([of.index(c) for group in groups for c in group])
    shape = tuple(prod(sizes[c] for c in group) for group in groups)
    if not moved.flags.c_contiguous:
        copied = ctx.buffer(f"stack of {name}", moved.shape, array.dtype)
        np.copyto(copied, moved)
        moved = copied
    return moved.reshape(shape)


def _unfolded(
    product: Array, groups: tuple[list[str], ...], of: Sequence[str], sizes: dict[str, int]
) -> Array:
    """Return a stack of matrices as a view with the axes `of`."""
    letters = [c for group in groups for c in group]
    whole = product.reshape([sizes[c] for c in letters])
    return whole.transpose([letters.index(c) for c in of])
