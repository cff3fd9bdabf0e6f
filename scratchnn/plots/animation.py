"""Pictures one after the other, in a file that moves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_animation(
    figures: Iterable[Figure], path: Any, fps: int = 10, hold: float = 2.0, dpi: int = 80
) -> int:
    """Write figures as an animated GIF, with matplotlib's Pillow writer.

    Arguments:
        figures: the frames, all of one size: a list, or a generator that draws one at a time.
        path: the file, such as 'training.gif'.
        fps: frames per second.
        hold: seconds that the last frame stays.
        dpi: dots per inch.

    Returns:
        The number of frames drawn.

    Raises:
        ValueError: if there is no figure, the file is no .gif, or fps is not above 0.
        ImportError: without matplotlib and Pillow.

    Example:
        >>> from scratchnn.plots import training_curves
        >>> losses = [0.9, 0.5, 0.3]
        >>> frames = (training_curves({"loss": losses[: n + 1]}) for n in range(3))
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_animation(frames, f"{folder}/loss.gif", fps=2)
        3
    """
    if Path(path).suffix.lower() != ".gif":
        raise ValueError(f"Expected a path that ends in .gif. Received: {str(path)!r}.")
    if not (fps > 0 and hold >= 0):
        raise ValueError(f"Expected fps above 0 and hold of 0 or more. Received: {fps=}, {hold=}.")
    try:
        from matplotlib.animation import PillowWriter
    except ImportError as error:
        raise ImportError('Pictures need matplotlib: pip install "scratchnn[plot]"') from error
    writer: Any = None
    count = 0
    for figure in figures:
        if writer is None:
            writer = PillowWriter(fps=fps)
            writer.setup(figure, path, dpi=dpi)
        writer.fig = figure
        writer.grab_frame()
        count += 1
    if writer is None:
        raise ValueError("There is no figure to write. Received: none.")
    for _ in range(round(hold * fps)):
        writer.grab_frame()
    writer.finish()
    return count
