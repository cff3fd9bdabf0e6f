"""A small network learns spirals, moons or circles: its boundary forms beside the loss, in a GIF.

python examples/playground.py spirals
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

import scratchnn as keras


def points(shape: str, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy points (N, 2) of two classes, and their classes (N,)."""
    rng = np.random.default_rng(0)
    y = np.arange(samples) % 2
    t = rng.uniform(0, 1, samples)
    if shape == "spirals":  # two arms, half a turn apart
        angle = 3 * np.pi * np.sqrt(t) + np.pi * y
        x = np.sqrt(t)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        noise = 0.02
    elif shape == "moons":  # two half circles that hold one another
        angle = np.pi * t + np.pi * y
        x = np.stack([np.cos(angle) + y, np.sin(angle) + 0.4 * y], axis=1) - [0.5, 0.2]
        noise = 0.1
    else:  # circles, one within the other
        angle = 2 * np.pi * t
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(y, 0.5, 1)[:, None]
        noise = 0.07
    return x + rng.normal(0, noise, x.shape), y


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=["spirals", "moons", "circles"], nargs="?")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the points")
    parser.add_argument("--frames", type=int, default=40, help="pictures in the GIF")
    parser.add_argument("--samples", type=int, default=400, help="how many points")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--output", default="playground.gif", help="where the GIF goes")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(1)
    x, y = points(args.shape or "spirals", args.samples)
    hidden = [keras.layers.Dense(24, activation="relu") for _ in range(3)]
    output = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input((2,)), *hidden, output])
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
    losses: list[float] = []

    def frames() -> Iterator[object]:
        # More of the first epochs are shown than of the last, for most happens in them.
        stops = args.epochs * (np.arange(1, args.frames + 1) / args.frames) ** 1.5
        for stop in np.unique(np.maximum(stops.astype(int), 1)):
            fresh = int(stop) - len(losses)
            losses.extend(model.fit(x, y, epochs=fresh, batch_size=16, verbose=0).history["loss"])
            figure = keras.plots.decision_boundary(
                model, x, y, history={"loss": losses}, theme=args.theme
            )
            top = 1.05 * max(0.8, *losses)
            figure.axes[1].set(xlim=(0, args.epochs), ylim=(0, top))
            yield figure

    count = keras.plots.save_animation(frames(), args.output, dpi=88)
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}; {count} pictures in {args.output}")
    return losses[-1]


if __name__ == "__main__":
    main()
