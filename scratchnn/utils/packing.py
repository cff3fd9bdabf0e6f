"""A batch as a tuple, (x, y, sample_weight), and its parts."""

from __future__ import annotations

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return a batch of what there is: x, (x, y) or (x, y, sample_weight).

    Example:
        >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight(1, 2)
        (1, (1, 2))
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Return the x, y and sample_weight of a batch; what is not there is None.

    Arguments:
        data: an array, or a tuple of up to three.

    Raises:
        ValueError: for a tuple of more than three.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            "A batch must be x, (x,), (x, y) or (x, y, sample_weight). "
            f"Received: {len(parts)} parts."
        )
    x, y, sample_weight = (*parts, None, None)[:3]
    return x, y, sample_weight
