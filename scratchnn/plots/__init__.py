"""Pictures of data, models and training runs, with matplotlib.

Each function returns a matplotlib `Figure`; nothing is shown, and no global state is touched:
`figure.savefig("curves.png")` writes it, and a notebook shows it when it ends a cell. What Keras
gives goes straight in: the History that `fit` returns, the array that `predict` returns, models and
schedules, Keras's own as well as those of this package. Each takes `theme="dark"`.

Needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

from .animation import save_animation
from .boundary import decision_boundary
from .confusion import confusion_matrix
from .curves import training_curves
from .embeddings import embedding_plane
from .features import feature_maps, first_layer_weights
from .filters import filter_report
from .forecast import forecast_report
from .functions import activation_functions, learning_rate
from .predictions import prediction_grid
from .report import classifier_report
from .table import table_report

__all__ = [
    "training_curves",
    "prediction_grid",
    "confusion_matrix",
    "classifier_report",
    "table_report",
    "forecast_report",
    "first_layer_weights",
    "feature_maps",
    "filter_report",
    "decision_boundary",
    "embedding_plane",
    "learning_rate",
    "activation_functions",
    "save_animation",
]
