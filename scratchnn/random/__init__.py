"""Random numbers: the same seed gives the numbers of Keras (as in `keras.random`).

seeds.py says which seed is used: `SeedGenerator` and `set_random_seed`; training.py draws what
training needs: epoch orders and dropout masks; distributions.py has the functions of
`keras.random`. How a seed becomes numbers is in philox.py.

Uniform numbers, integers, orders and masks equal those of Keras on TensorFlow exactly. Normals go
through a logarithm, a sine and a cosine, which libraries round differently, so a few of them
differ by a few units in the last place; gamma, beta and binomial numbers follow TensorFlow's
algorithms, and differ as little.

float64 is drawn as float32 and then widened, so a model has the same initial weights and the same
masks in both. (Keras draws other numbers for float64.)
"""

from __future__ import annotations

from .distributions import (
    beta,
    binomial,
    categorical,
    checked_shape,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from .seeds import (
    Seed,
    SeedGenerator,
    draw_seed,
    is_integer,
    make_seed,
    reset_global_generator,
    set_global_seed,
    set_random_seed,
)
from .training import EpochOrder, dropout_mask_into

__all__ = [
    # As in keras.random.
    "SeedGenerator",
    "normal",
    "uniform",
    "truncated_normal",
    "randint",
    "categorical",
    "dropout",
    "shuffle",
    "gamma",
    "beta",
    "binomial",
    # What the rest of the package draws from.
    "EpochOrder",
    "Seed",
    "checked_shape",
    "draw_seed",
    "dropout_mask_into",
    "is_integer",
    "make_seed",
    "reset_global_generator",
    "set_global_seed",
    "set_random_seed",
]
