"""Models as estimators of scikit-learn, which must be installed. As in `keras.wrappers`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    """Load scikit-learn when a wrapper is first named."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        estimators = import_module(".estimators", __name__)
    except ImportError as error:
        raise ImportError(
            f"{name} expected scikit-learn, 1.6 or newer. Received: {error}. "
            "Run `pip install --upgrade scikit-learn`."
        ) from error
    return getattr(estimators, name)


def __dir__() -> list[str]:
    return __all__
