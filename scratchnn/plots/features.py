"""Inside a network: the weights of its first layer, and what its layers make of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import naming
from ..arrays import Array
from .style import WIDTH, Theme, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def first_layer_weights(
    model: Any,
    shape: Sequence[int] | None = None,
    most: int = 32,
    columns: int = 8,
    theme: str = "light",
) -> Figure:
    """Draw the kernel of the first layer that has one, unit by unit, as images.

    What lies over a bright spot of the image raises the unit, what lies over the other colour
    lowers it; the colours of all units have one scale. Kernels for three channels are drawn in
    colour, grey where they are 0.

    Arguments:
        model: a model of this package or of Keras, or a layer: Dense, or a 2-D convolution.
        shape: of the images that a Dense layer looks at, (H, W) or (H, W, 3), if they are not
            square.
        most: how many units to draw, the first ones.
        columns: units per row.
        theme: 'light' or 'dark'.

    Returns:
        A Figure with a panel for each unit.

    Raises:
        ValueError: if there is no such layer, or its kernel does not fit `shape`.

    Example:
        >>> from scratchnn.layers import Dense
        >>> layer = Dense(3)
        >>> layer.build((None, 16))
        >>> [axes.get_title() for axes in first_layer_weights(layer).axes[:3]]
        ['0', '1', '2']
    """
    layer, kernel = _first_kernel(model)
    images, note = _as_pictures(kernel, shape)
    if min(most, columns) < 1:
        raise ValueError(f"most and columns must be at least 1. Received: {most=}, {columns=}.")
    units = len(images)
    images = images[:most]
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    in_color = images.ndim == 4
    bar_width = 0 if in_color else 0.7
    cell = min((WIDTH - bar_width) / columns, 1.3)
    top = float(np.abs(images).max()) or 1.0
    shown = f"the first {len(images)} of {units}" if units > len(images) else f"{units}"
    with style(theme) as colors:
        ratio = images.shape[1] / images.shape[2]
        height = rows * ((cell - 0.1) * min(max(ratio, 0.3), 3) + 0.25) + 0.35
        figure = new_figure(max(columns * cell + bar_width, 3.6), height, colors)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        drawn = None
        for i, (panel, picture) in enumerate(zip(panels, images, strict=False)):
            if in_color:
                panel.imshow(0.5 + 0.5 * picture / top)
            else:
                drawn = panel.imshow(picture, cmap=diverging(colors), vmin=-top, vmax=top)
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set(color=colors.line, linewidth=0.8)
            panel.set_title(str(i), size=8, weight="normal", loc="center", pad=2)
            panel.title.set_color(colors.muted)
        for panel in panels[len(images) :]:
            panel.set_visible(False)
        if drawn is not None:
            bar = figure.colorbar(drawn, ax=panels.tolist(), shrink=0.8, aspect=24, pad=0.015)
            bar.outline.set_edgecolor(colors.line)
            bar.ax.tick_params(length=0, labelsize=8, labelcolor=colors.muted)
        figure.suptitle(
            f"{layer}: the weights of {shown} units{note}",
            x=0.01,
            ha="left",
            fontsize=10,
            fontweight="bold",
        )
    return figure


def feature_maps(
    model: Any,
    image: Any,
    layers: Sequence[str] | None = None,
    maps: int = 8,
    theme: str = "light",
) -> Figure:
    """Draw what the layers of a convolutional network make of one image.

    Arguments:
        model: a model of this package or of Keras, whose layers return images (N, H, W, C).
        image: (H, W) or (H, W, C), as the model takes it.
        layers: the names of layers to draw; all that return images, unless given.
        maps: how many channels of each to draw, those that vary most first.
        theme: 'light' or 'dark'.

    Returns:
        A Figure: the image, and a row for each layer.

    Raises:
        ValueError: if no layer returns images, or there is no layer of a name.

    Example:
        >>> import scratchnn as keras
        >>> stack = [keras.Input((8, 8, 1)), keras.layers.MaxPooling2D(2, name="pool")]
        >>> figure = feature_maps(keras.Sequential(stack), np.eye(8))
        >>> [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
        ['image, 8 × 8', 'pool, 4 × 4 × 1']
    """
    picture = np.asarray(image)
    if picture.ndim not in (2, 3):
        raise ValueError(
            "Expected one image of shape (H, W) or (H, W, C). "
            f"Received: image.shape={picture.shape}."
        )
    if maps < 1:
        raise ValueError(f"maps must be at least 1. Received: {maps}.")
    batch = picture[np.newaxis] if picture.ndim == 3 else picture[np.newaxis, ..., np.newaxis]
    found = _outputs(model, batch)
    if layers is not None:
        for name in layers:
            if name not in found:
                near = naming.nearest(name, found)
                raise ValueError(
                    f"The model has no layer {name!r}.{near} Its layers are {list(found)}."
                )
        found = {name: found[name] for name in layers}
    images = {name: y[0] for name, y in found.items() if y.ndim == 4}
    if not images:
        raise ValueError(
            "There is no layer whose output is an image, (N, H, W, C). The outputs have shapes "
            f"{ {name: y.shape for name, y in found.items()} }."
        )
    with style(theme) as colors:
        cell = WIDTH / maps
        height = 1.9 + len(images) * (min(cell, 1.3) + 0.32)
        figure = new_figure(WIDTH, height, colors)
        heights = [1.9, *[min(cell, 1.3) + 0.32] * len(images)]
        parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        axes = parts[0].subplots()
        axes.set_anchor("W")
        shades = picture[..., 0] if picture.ndim == 3 and picture.shape[-1] != 3 else picture
        axes.imshow(_unit(shades), cmap="gray")
        axes.set_title(f"image, {' × '.join(map(str, picture.shape))}")
        _frame(axes, colors)
        parts[0].text(
            0.99,
            0.5,
            "Orange is above 0, blue below,\nfull colour the largest size in the layer.\n"
            "The channels that vary most come first.",
            ha="right",
            va="center",
            size=9,
            color=colors.muted,
        )
        for part, (name, y) in zip(parts[1:], images.items(), strict=True):
            _draw_maps(part, name, y, maps, colors)
    return figure


def _draw_maps(part: Any, name: str, y: Array, maps: int, colors: Theme) -> None:
    order = np.argsort(-y.reshape(-1, y.shape[-1]).std(axis=0), kind="stable")[:maps]
    top = float(np.abs(y).max()) or 1.0
    panels = part.subplots(1, maps, squeeze=False)[0]
    for panel, channel in zip(panels, order, strict=False):
        panel.imshow(y[..., channel], cmap=diverging(colors), vmin=-top, vmax=top)
        panel.set_xlabel(f"channel {channel}", size=8, color=colors.muted)
        _frame(panel, colors)
    panels[0].set_title(f"{name}, {' × '.join(map(str, y.shape))}")
    for panel in panels[len(order) :]:
        panel.set_visible(False)


def _frame(axes: Any, colors: Theme) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=colors.line, linewidth=0.8)


def diverging(colors: Theme) -> Any:
    """Return colours from the second series' over the page, for 0, to the first's."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = [colors.series[0], colors.page, colors.series[1]]
    return LinearSegmentedColormap.from_list("signed", ends)


def _unit(picture: Array) -> Array:
    low, high = float(picture.min()), float(picture.max())
    return np.asarray((picture - low) / ((high - low) or 1.0))


def _layers_of(model: Any) -> list[Any]:
    found: list[Any] = []
    for layer in model.layers:
        found += _layers_of(layer) if hasattr(layer, "layers") else [layer]
    return found


def _first_kernel(model: Any) -> tuple[str, Array]:
    """Return the first layer's name and kernel."""
    candidates = _layers_of(model) if hasattr(model, "layers") else [model]
    if not all(hasattr(layer, "name") for layer in candidates):
        raise ValueError(f"Expected a model or a layer. Received: {model!r}.")
    for layer in candidates:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None and len(kernel.shape) in (2, 4):
            return str(layer.name), np.asarray(kernel.numpy())
    raise ValueError(
        "Expected a model with a layer that has a kernel, a Dense or a 2-D convolution, and that "
        f"is built. Its layers are {[layer.name for layer in candidates]}."
    )


def _as_pictures(kernel: Array, shape: Sequence[int] | None) -> tuple[Array, str]:
    """Return (U, H, W), or (U, H, W, 3) in colour, and what must be said about it."""
    if kernel.ndim == 4:
        pictures = np.moveaxis(kernel, -1, 0)
        channels = pictures.shape[-1]
        if channels == 3:
            return pictures, ""
        note = "" if channels == 1 else f", means over {channels} channels"
        return pictures.mean(axis=-1), note
    D, U = kernel.shape
    if shape is None:
        for channels in (1, 3):
            side = math.isqrt(D // channels)
            if channels * side * side == D:
                shape = (side, side) if channels == 1 else (side, side, 3)
                break
        else:
            raise ValueError(
                f"The layer looks at {D} numbers, which are no square image. Give its shape, such "
                "as shape=(20, 30)."
            )
    sizes = tuple(int(size) for size in shape)
    if sizes[2:] == (1,):
        sizes = sizes[:2]
    if math.prod(sizes) != D or len(sizes) not in (2, 3) or sizes[2:] not in ((), (3,)):
        raise ValueError(
            f"Expected shape (H, W) or (H, W, 3) of {D} numbers. Received: shape={tuple(shape)}."
        )
    return kernel.T.reshape(U, *sizes), ""


def _outputs(model: Any, batch: Array) -> dict[str, Array]:
    """Return what each layer of a model returns for a batch, by the layer's name."""
    from ..models.model import Model

    if isinstance(model, Model):
        return _our_outputs(model, batch)
    if not hasattr(model, "layers") or not hasattr(model, "inputs"):
        raise ValueError(f"Expected a model. Received: {model!r} of type {type(model).__name__}.")
    import keras

    chosen = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    inner = keras.Model(model.inputs, [layer.output for layer in chosen])
    results = inner.predict(batch, verbose=0)
    results = results if isinstance(results, list) else [results]
    return {layer.name: np.asarray(y) for layer, y in zip(chosen, results, strict=True)}


def _our_outputs(model: Any, batch: Array) -> dict[str, Array]:
    import copy

    from ..inspection.recording import Recorder, undisturbed

    with undisturbed():
        watched = copy.deepcopy(model)
        watched(batch)  # which builds it
        recorder = Recorder(watched)
        watched(batch)
    return {call.layer.name: call.outputs[0] for call in recorder.calls}
