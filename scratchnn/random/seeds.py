"""Which seed a draw uses: seed generators, and the global seed."""

from __future__ import annotations

import random as python_random
from typing import Any, Self, TypeAlias

import numpy as np

from .. import naming
from ..philox import SeedPair

_global_seed: int | None = None
_global_generator: SeedGenerator | None = None


def make_seed() -> int:
    """Draw a seed from Python's `random`, as each unseeded initializer does when it is made.

    Example:
        >>> 1 <= make_seed() <= 10**9
        True
    """
    return python_random.randint(1, 10**9)


def is_integer(value: object) -> bool:
    """Return whether `value` is a Python or NumPy integer.

    Example:
        >>> is_integer(np.int64(3)), is_integer(3.0)
        (True, False)
    """
    return isinstance(value, (int, np.integer))


class SeedGenerator:
    """A seed that changes at every use: the pairs (seed, 0), (seed, 1), (seed, 2), ...

    Arguments:
        seed: an integer, or None for one drawn from Python's `random` module.
        name: the generator's name; automatic if None.

    Raises:
        ValueError: if `seed` is not an integer.

    Example:
        >>> generator = SeedGenerator(42)
        >>> generator.next(), generator.next()
        ((42, 0), (42, 1))
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is not None and not (is_integer(seed) and -(2**63) <= seed < 2**63):
            raise ValueError(
                f"`seed` must be an integer of at most 64 bits, or None. Received: seed={seed!r}."
            )
        self.name = naming.auto_name("seed_generator") if name is None else name
        self._initial_seed = None if seed is None else int(seed)
        self.state = np.array([make_seed() if seed is None else seed, 0], np.int64)

    def next(self, ordered: bool = True) -> SeedPair:
        """Return the state as a pair of integers, then advance it.

        Arguments:
            ordered: True counts uses in the second entry; False scrambles both entries, as the
                global generator does.
        """
        seed, uses = pair = (int(self.state[0]), int(self.state[1]))
        if ordered:
            self.state[1] = uses + 1
        else:
            self.state[:] = (seed + 1) * 5387 % 933199, (uses + 1) * 5387 % 933199
        return pair

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this generator again."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the generator of a `get_config()`."""
        return cls(**config)


Seed: TypeAlias = int | SeedGenerator | None


def draw_seed(seed: Seed) -> SeedPair:
    """Return the seed pair of one stateless draw.

    Arguments:
        seed: an integer (the same pair each time), a generator (its next pair), or None (the next
            pair of the global generator, which is made at its first use).

    Raises:
        ValueError: if `seed` is anything else.

    Example:
        >>> draw_seed(7)
        (7, 0)
    """
    global _global_generator
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        if _global_generator is None:
            _global_generator = SeedGenerator()
        return _global_generator.next(ordered=False)
    if not is_integer(seed):
        raise ValueError(
            "`seed` must be an integer, a SeedGenerator or None. "
            f"Received: seed={seed!r} of type {type(seed).__name__}."
        )
    return int(seed), 0


def set_random_seed(seed: int) -> None:
    """Seed everything: Python's `random`, NumPy's global generator, and this package.

    After it, layers made in the same order start from the same weights as in Keras, dropout
    draws the same masks, and `fit` uses the same orders.

    Arguments:
        seed: an integer in [0, 2**32 - 1].

    Raises:
        ValueError: if `seed` is not such an integer.

    Example:
        >>> set_random_seed(42)
        >>> make_seed(), make_seed()
        (686579304, 119540832)
    """
    if not (is_integer(seed) and 0 <= seed < 2**32):
        raise ValueError(
            "Expected `seed` argument to be an integer in [0, 2**32 - 1]. "
            f"Received: seed={seed!r} of type {type(seed).__name__}."
        )
    python_random.seed(int(seed))
    np.random.seed(seed)
    set_global_seed(seed)
    reset_global_generator()


def global_seed() -> int | None:
    """Return the seed of the epoch orders; None without one."""
    return _global_seed


def set_global_seed(seed: int | None) -> None:
    """Set only the seed of the epoch orders (what `tf.random.set_seed` is to Keras), or unset it.

    Arguments:
        seed: an integer; None makes every epoch's order a fresh one again.

    Example:
        >>> set_global_seed(3)
        >>> global_seed()
        3
        >>> set_global_seed(None)
    """
    global _global_seed
    _global_seed = None if seed is None else int(seed)


def reset_global_generator() -> None:
    """Forget the generator of unseeded draws; the next such draw makes a new one.

    Example:
        >>> set_random_seed(1)
        >>> first = draw_seed(None)
        >>> set_random_seed(1)
        >>> draw_seed(None) == first
        True
    """
    global _global_generator
    _global_generator = None
