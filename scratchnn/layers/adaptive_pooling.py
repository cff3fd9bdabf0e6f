"""Adaptive pooling: windows as large as the output's size asks for."""

from __future__ import annotations

import operator
from typing import Any

from ..arrays import Shape
from .pooling import Largest, Mean, Windowed
from .sliding import Slide, adaptive


class AdaptivePooling(Windowed):
    """As many windows along each axis as are asked for; neighbours may share an element.

    Arguments:
        output_size: how many windows there are: a whole number, or one for each axis.
        data_format, **kwargs: as for every layer over images.
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        if not isinstance(output_size, tuple | list):
            try:
                operator.index(output_size)
            except TypeError:
                raise TypeError(
                    f"{type(self).__name__} expected `output_size` to be a whole number, or a "
                    f"tuple of {self.rank}. Received: {output_size!r}."
                ) from None
        self.output_size = self.per_axis("output_size", output_size)

    def slides(self, sizes: tuple[int, ...]) -> list[Slide]:
        # The first axis first, as in Keras: it decides between equal maxima.
        axes = enumerate(zip(sizes, self.output_size, strict=True), 1)
        return [adaptive(axis, n, outputs) for axis, (n, outputs) in axes if n != outputs]

    def compute_sizes(self, sizes: Shape) -> Shape:
        if 0 in sizes:
            raise ValueError(
                f"The layer {self.name!r} expected an input with something to pool. "
                f"Received: an input of {sizes}, without channels."
            )
        return self.output_size

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_size": self.output_size,
            "data_format": self.data_format,
        }


class AdaptiveMaxPooling1D(AdaptivePooling, Largest):
    """The largest number of each of `output_size` windows of time.

    Arguments:
        output_size: T', how many windows there are.
        data_format, **kwargs: as for AdaptiveAveragePooling2D.

    Shape:
        x (N, T, C), y (N, T', C); (N, C, T) and (N, C, T') with channels first. Any dtype.

    Raises:
        TypeError, ValueError: as for AdaptiveAveragePooling2D.

    Example:
        >>> AdaptiveMaxPooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).numpy().ravel()
        array([2., 4.], dtype=float32)
    """

    rank = 1


class AdaptiveMaxPooling2D(AdaptivePooling, Largest):
    """The largest number of each of `output_size` windows of an image.

    Of equal maxima, the gradient goes to the first in the window's columns, as in Keras, which
    pools the rows first.

    Arguments:
        output_size: how many windows there are: a whole number, or (H', W').
        data_format, **kwargs: as for AdaptiveAveragePooling2D.

    Shape:
        x (N, H, W, C), y (N, H', W', C); (N, C, H, W) and (N, C, H', W') with channels first.
        Any dtype.

    Raises:
        TypeError, ValueError: as for AdaptiveAveragePooling2D.

    Example:
        >>> AdaptiveMaxPooling2D((1, 2))(np.arange(8.0).reshape(1, 2, 4, 1)).numpy().ravel()
        array([5., 7.], dtype=float32)
    """

    rank = 2


class AdaptiveMaxPooling3D(AdaptivePooling, Largest):
    """The largest number of each of `output_size` windows of a volume.

    The gradient goes to each of a window's equal maxima, as for MaxPooling3D.

    Arguments:
        output_size: how many windows there are: a whole number, or (Z', H', W').
        data_format, **kwargs: as for AdaptiveAveragePooling2D.

    Shape:
        x (N, Z, H, W, C), y (N, Z', H', W', C); with channels first C is axis 1. Any dtype.

    Raises:
        TypeError, ValueError: as for AdaptiveAveragePooling2D.

    Example:
        >>> AdaptiveMaxPooling3D(1)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).numpy().ravel()
        array([7.], dtype=float32)
    """

    rank = 3
    shares_ties = True


class AdaptiveAveragePooling1D(AdaptivePooling, Mean):
    """The mean of each of `output_size` windows of time.

    Arguments:
        output_size: T', how many windows there are.
        data_format, **kwargs: as for AdaptiveAveragePooling2D.

    Shape:
        x (N, T, C), y (N, T', C); (N, C, T) and (N, C, T') with channels first. Integers are cast
        to floats.

    Raises:
        TypeError, ValueError: as for AdaptiveAveragePooling2D.

    Example:
        >>> AdaptiveAveragePooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).numpy().ravel()
        array([1., 3.], dtype=float32)
    """

    rank = 1


class AdaptiveAveragePooling2D(AdaptivePooling, Mean):
    """The mean of each of `output_size` windows of an image.

    Along an axis of n elements, the i-th of m windows goes from floor(i n / m) up to
    ceil((i + 1) n / m).

    Arguments:
        output_size: how many windows there are: a whole number, or (H', W').
        data_format: 'channels_last' or 'channels_first'; `config.image_data_format` if not given.
        **kwargs: the arguments of every Layer.

    Shape:
        x (N, H, W, C), y (N, H', W', C); (N, C, H, W) and (N, C, H', W') with channels first.
        Integers are cast to floats.

    Raises:
        TypeError: if `output_size` is neither a whole number nor a tuple.
        ValueError: if it has another length than there are axes, or a number that is not positive;
            for another data_format; for an input of another rank or without elements.

    Example:
        >>> AdaptiveAveragePooling2D((1, 2))(np.arange(8.0).reshape(1, 2, 4, 1)).numpy().ravel()
        array([2.5, 4.5], dtype=float32)
    """

    rank = 2


class AdaptiveAveragePooling3D(AdaptivePooling, Mean):
    """The mean of each of `output_size` windows of a volume.

    Arguments:
        output_size: how many windows there are: a whole number, or (Z', H', W').
        data_format, **kwargs: as for AdaptiveAveragePooling2D.

    Shape:
        x (N, Z, H, W, C), y (N, Z', H', W', C); with channels first C is axis 1. Integers are cast
        to floats.

    Raises:
        TypeError, ValueError: as for AdaptiveAveragePooling2D.

    Example:
        >>> AdaptiveAveragePooling3D(1)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).numpy().ravel()
        array([3.5], dtype=float32)
    """

    rank = 3
