"""Reshape, transpose and reshape again, as a pattern says."""

from __future__ import annotations

import re
from itertools import chain
from math import prod

from .tensors import ArrayLike, Result, op, to_array

__all__ = ["rearrange"]


@op
def rearrange(tensor: ArrayLike, pattern: str, **axes_lengths: int) -> Result:
    """Return x with its axes reordered, joined and taken apart, as a pattern of their names says.

    Arguments:
        tensor: any shape.
        pattern: the names of the axes before and after '->'; parentheses join some into one.
        **axes_lengths: the lengths of axes that the shape does not tell.

    Raises:
        ValueError: if the pattern does not fit the shape, or itself.

    Example:
        >>> rearrange(np.zeros((2, 8, 6, 3)), "b (h h1) w c -> b h w (h1 c)", h1=2).shape
        (2, 4, 6, 6)

    Reference:
        Rogozhnikov, "Einops: clear and reliable tensor manipulations with Einstein-like
        notation", ICLR 2022.
    """
    x = to_array(tensor)
    groups, new_groups = (_groups(side) for side in pattern.split("->"))
    names, new_names = [*chain(*groups)], [*chain(*new_groups)]
    if len(groups) != x.ndim or sorted(names) != sorted(set(new_names)):
        raise ValueError(
            "The pattern must name each axis once on both sides. "
            f"Received: pattern={pattern!r}, shape={x.shape}."
        )
    lengths = dict(axes_lengths)
    for group, length in zip(groups, x.shape, strict=True):
        unknown = [name for name in group if name not in lengths]
        if len(unknown) == 1:
            known = prod(lengths[name] for name in group if name in lengths)
            lengths[unknown[0]] = length // known
        if len(unknown) > 1 or prod(lengths[name] for name in group) != length:
            raise ValueError(
                f"The axis ({' '.join(group)}) must have length {length}. "
                f"Received: axes_lengths={axes_lengths}."
            )
    x = x.reshape([lengths[name] for name in names])
    x = x.transpose([names.index(name) for name in new_names])
    return x.reshape([prod(lengths[name] for name in group) for group in new_groups])


def _groups(side: str) -> list[list[str]]:
    """Return the names of each axis in one side of a pattern: 'b (h w)' has [[b], [h, w]]."""
    return [re.findall(r"\w+", group) for group in re.findall(r"\(.*?\)|\w+", side)]
