"""The dtype policy: the dtype of a layer's weights and of its arithmetic, which are one here."""

from __future__ import annotations

from typing import Any, Self

from . import config

__all__ = ["DTypePolicy"]


class DTypePolicy:
    """The dtype of the weights and the arithmetic of a layer, as `keras.DTypePolicy`.

    Arguments:
        name: 'float32' or 'float64'; None for `config.floatx()`.

    Raises:
        ValueError: for any other policy; mixed precision needs half-precision arithmetic.

    Example:
        >>> DTypePolicy("float64").compute_dtype
        'float64'
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = config.floatx() if name is None else config.checked_float(name, "dtype policy")

    @property
    def compute_dtype(self) -> str:
        """The dtype of the arithmetic."""
        return self.name

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.name

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this policy again."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the policy of a `get_config()`."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'
