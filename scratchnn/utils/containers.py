"""Config: named values for a program of your own."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from scratchnn import naming


class Config:
    """Named values, set and read as entries or as attributes; they can be frozen.

    Arguments:
        **kwargs: the first values.

    Example:
        >>> config = Config(learning_rate=0.1)
        >>> config.seed = 123
        >>> config["seed"], config.learning_rate, config.to_json()
        (123, 0.1, '{"learning_rate": 0.1, "seed": 123}')
        >>> config.freeze()
        >>> config.seed = 5
        Traceback (most recent call last):
        ValueError: A frozen Config cannot be changed. Call `unfreeze()` first.
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether the values can no longer be changed."""
        return self._frozen

    def freeze(self) -> None:
        """Let nothing change the values any more."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Let the values be changed again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """Return a copy of the values as a dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """Return the values as JSON."""
        import json  # only this needs it

        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """Return the names, as of a dict."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """Return the values, as of a dict."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Return the pairs of names and values, as of a dict."""
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """Return the value of a name, or another if there is none."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Take the value of a name out, as of a dict."""
        return self._changeable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set many values at once, as of a dict."""
        self._changeable().update(*args, **kwargs)

    def _changeable(self) -> dict[str, Any]:
        if self._frozen:
            raise ValueError("A frozen Config cannot be changed. Call `unfreeze()` first.")
        return self._config

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_config")
        if name not in values:
            raise AttributeError(f"Unknown attribute: {name!r}.{naming.nearest(name, values)}")
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._changeable()[name] = value

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._changeable()[key] = item

    def __delitem__(self, key: str) -> None:
        del self._changeable()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
