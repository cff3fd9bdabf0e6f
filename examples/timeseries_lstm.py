"""Forecast the next day's temperature, hour by hour, with an LSTM, from the three days before.

    python examples/timeseries_lstm.py
    python examples/timeseries_lstm.py --epochs 1 --days 200 --output quick.png

The weather is made up, but not easy: seasons, days, fronts that the air pressure announces, noise.
The picture needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import scratchnn as keras
from scratchnn import plots

PAST, FUTURE = 72, 24  # hours


def weather(hours: int, rng: np.random.Generator) -> np.ndarray:
    """Return (hours, 6): temperature, pressure, and where the sun stands, by day and by year."""
    angles = 2 * np.pi * np.arange(hours)[:, None] / [24, 24 * 365.25]
    day, year = angles.T
    fronts = rng.normal(0, 4, hours) * (rng.random(hours) < 1 / 60)  # one in two or three days
    front = np.convolve(fronts, np.exp(-np.arange(240) / 70))[:hours]
    noise = np.convolve(rng.normal(0, 0.35, hours), 0.85 ** np.arange(48))[:hours]
    swing = 3.5 - 2 * np.cos(year) - 0.15 * front  # of a day: larger in summer, and under clear sky
    temperature = 9 - 9 * np.cos(year - 0.4) - swing * np.cos(day - 0.8) + front + noise
    announced = np.append(front[10:], np.zeros(10))  # ten hours ahead
    pressure = 1013 - 1.5 * announced + rng.normal(0, 0.8, hours)
    return np.column_stack([temperature, pressure, np.cos(angles), np.sin(angles)])


def main(argv: Sequence[str] | None = None) -> tuple[float, float]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training windows")
    parser.add_argument(
        "--days", type=int, default=1100, help="of weather; a fifth is for the test"
    )
    parser.add_argument("--output", default="timeseries_lstm.png", help="the picture to write")
    parser.add_argument("--theme", default="light", choices=["light", "dark"])
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(1)
    series = weather(24 * args.days, np.random.default_rng(1))
    known = int(0.8 * len(series))  # what comes after is the test's
    mean, spread = series[:known].mean(axis=0), series[:known].std(axis=0)
    x = ((series - mean) / spread).astype("float32")
    y = np.lib.stride_tricks.sliding_window_view(x[:, 0], FUTURE)[PAST:]

    def windows(first: int, last: int, shuffle: bool = False):
        return keras.utils.timeseries_dataset_from_array(
            x[first : last + PAST - 1], y[first:last], PAST, batch_size=128, shuffle=shuffle, seed=1
        )

    train, validation = int(0.85 * known), known - PAST - FUTURE
    model = keras.Sequential(
        [keras.Input((PAST, 6)), keras.layers.LSTM(32), keras.layers.Dense(FUTURE)]
    )
    model.compile(keras.optimizers.Adam(0.003), "mse")
    model.summary()
    history = model.fit(
        windows(0, train, True), validation_data=windows(train, validation), epochs=args.epochs
    )

    # Row i is of the day that begins at hour known + PAST + i.
    rows = np.lib.stride_tricks.sliding_window_view(series[known:, 0], PAST + FUTURE)
    past, truth = rows[:, 24:PAST], rows[:, PAST:]
    forecast = model.predict(windows(known, len(y)), verbose=0) * spread[0] + mean[0]
    naive = rows[:, PAST - 24 : PAST]
    lstm, yesterday = (float(np.abs(guess - truth).mean()) for guess in (forecast, naive))
    print(f"\nmean error in degrees, {len(truth):,} forecasts of days never seen before:")
    print(f"LSTM {lstm:.3f}, 'as yesterday' {yesterday:.3f}")

    forecasts = {"LSTM": forecast, "as yesterday": naive}
    figure = plots.forecast_report(history, past, truth, forecasts, "temperature", args.theme)
    figure.savefig(args.output, dpi=200)
    print(f"picture: {args.output}")
    return lstm, yesterday


if __name__ == "__main__":
    main()
