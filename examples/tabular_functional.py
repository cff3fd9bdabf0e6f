"""Price used cars, and tell which will sell soon: one model of a table, with two heads.

    python examples/tabular_functional.py
    python examples/tabular_functional.py --epochs 3 --cars 2000 --output quick.png

The cars are made up, so what no model can know, noise and chance, is known here.
The picture needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import scratchnn as keras
from scratchnn import layers, plots

NEW = {"Aster": 17, "Brio": 21, "Corvus": 24, "Dahlia": 30, "Elan": 38, "Falke": 52, "Grand": 75}
Columns = dict[str, np.ndarray]
FUELS = {"petrol": 0.0, "diesel": -0.06, "hybrid": 0.08, "electric": 0.02}


def used_cars(n: int, rng: np.random.Generator) -> tuple[Columns, Columns, Columns]:
    """Return a table, what to predict, and what of that is neither noise nor chance."""
    brand, fuel = rng.choice(list(NEW), n), rng.choice(list(FUELS), n, p=[0.5, 0.3, 0.1, 0.1])
    month, age = rng.integers(1, 13, n), rng.gamma(2.2, 2.6, n).clip(0.2, 18)
    km, strength = age * rng.lognormal(9.5, 0.45, n), rng.normal(0, 0.2, n)
    new = np.array([NEW[name] for name in brand])
    fair = np.log(new) + 0.5 * strength - 0.11 * age - km / 420_000
    fair += np.array([FUELS[name] for name in fuel]) - 0.04 * age * (fuel == "electric")
    wanted = 1.4 - 0.16 * age + 0.9 * np.cos((month - 5) / 6 * np.pi) - 1.2 * (fuel == "diesel")
    chance = 1 / (1 + np.exp(new / 30 - wanted - 1.3 * np.isin(brand, ["Brio", "Elan"])))
    columns = [brand, fuel, month, age, km, 11.5 * new**0.75 * np.exp(strength)]
    names = ["brand", "fuel", "month", "age", "km", "power"]
    x = {name: column[:, None] for name, column in zip(names, columns, strict=True)}
    y = {"log_price": fair + rng.normal(0, 0.08, n), "sold": (rng.random(n) < chance) * 1.0}
    return x, y, {"log_price": fair, "sold": chance}


def build_model(x: Columns) -> keras.Model:
    kinds = {"brand": "string", "fuel": "string", "month": "int64"}
    inputs = {name: keras.Input((1,), dtype=kinds.get(name), name=name) for name in x}
    brand, fuel = layers.StringLookup(), layers.StringLookup(output_mode="one_hot")
    month, scaled = layers.IntegerLookup(output_mode="one_hot"), layers.Normalization()
    for layer, name in ((brand, "brand"), (fuel, "fuel"), (month, "month")):
        layer.adapt(x[name])
    scaled.adapt(np.hstack([x["age"], x["km"], x["power"]]))
    numbers = layers.Concatenate()([inputs["age"], inputs["km"], inputs["power"]])
    place = layers.Embedding(brand.vocabulary_size(), 3)(brand(inputs["brand"]))
    parts = [fuel(inputs["fuel"]), month(inputs["month"]), scaled(numbers)]
    hidden = layers.Concatenate()([layers.Flatten()(place), *parts])
    hidden = layers.Dense(32, "relu")(layers.Dense(64, "relu")(hidden))
    heads = [layers.Dense(1, name="log_price"), layers.Dense(1, "sigmoid", name="sold")]
    return keras.Model(inputs, {head.name: head(hidden) for head in heads})


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8, help="passes over the cars")
    parser.add_argument("--cars", type=int, default=20_000, help="three of four are for training")
    parser.add_argument("--output", default="tabular_functional.png", help="the picture to write")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(42)
    rng = np.random.default_rng(42)
    x, y, _ = used_cars(args.cars * 3 // 4, rng)
    x_test, y_test, known = used_cars(args.cars // 4, rng)
    model = build_model(x)
    loss = {"log_price": "mse", "sold": "binary_crossentropy"}
    model.compile("adam", loss, metrics={"log_price": "mae", "sold": "accuracy"})
    model.summary()
    history = model.fit(x, y, epochs=args.epochs, validation_split=0.1)

    def errors(p: Columns) -> list[float]:  # of log prices, which are nearly shares; log loss
        q = np.where(y_test["sold"], p["sold"], 1 - p["sold"])
        return [float(abs(p["log_price"] - y_test["log_price"]).mean()), float(-np.log(q).mean())]

    def predicted(x: Columns) -> Columns:
        return {k: v[:, 0] for k, v in model.predict(x, batch_size=512, verbose=0).items()}

    p = predicted(x_test)
    means = {name: y["log_price"][x["brand"][:, 0] == name].mean() for name in NEW}
    guess = np.array([means[name] for name in x_test["brand"][:, 0]])
    baseline = {"log_price": guess, "sold": np.full(len(guess), y["sold"].mean())}
    for what, answer in (("this model", p), ("averages", baseline), ("whoever knows all", known)):
        print("{}: prices are {:.1%} off; log loss of sales {:.3f}".format(what, *errors(answer)))
    shuffled = {k: errors(predicted({**x_test, k: rng.permutation(x_test[k])})) for k in x}
    figure = plots.table_report(
        history,
        (np.exp(y_test["log_price"]), np.exp(p["log_price"])),
        (y_test["sold"], p["sold"]),
        {k: part[0] - errors(p)[0] for k, part in shuffled.items()},
        metrics=["log_price_mae", "sold_loss"],
        names=["price in 1000 €", "sold within 30 days", "price error added by shuffling an input"],
        log=True,
    )
    figure.savefig(args.output, dpi=200)
    print(f"picture: {args.output}")
    return errors(p)[0]


if __name__ == "__main__":
    main()
