"""One neuron learns y = 2x - 1 from six points.

python examples/linear_regression.py
python examples/linear_regression.py --epochs 50
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import scratchnn as keras


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=500, help="passes over the six points")
    parser.add_argument("--seed", type=int, default=0, help="of the first weight")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    x = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    y = 2 * x - 1

    model = keras.Sequential([keras.Input(shape=(1,)), keras.layers.Dense(units=1)])
    model.compile(optimizer="sgd", loss="mean_squared_error")
    history = model.fit(x, y, epochs=args.epochs, verbose=0)

    for epoch in sorted({1, args.epochs // 10, args.epochs // 2, args.epochs} - {0}):
        print(f"epoch {epoch:4d}   loss {history.history['loss'][epoch - 1]:.7f}")

    (weight,), (bias,) = (array.ravel() for array in model.get_weights())
    print(f"learned: y = {weight:.4f} x {bias:+.4f}")

    prediction = model.predict(np.array([10.0]), verbose=0)
    print(f"predict([10.0]) = {prediction}, and 2 * 10 - 1 = 19")
    return float(prediction[0, 0])


if __name__ == "__main__":
    main()
