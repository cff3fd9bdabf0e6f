"""Look inside: a step laid open, gradients checked, a model compared, work graded."""

from __future__ import annotations

from .comparison import compare_with_keras
from .gradients import check_gradients
from .grading import Scores, grade
from .numerical import numerical_gradient
from .report import Difference, Report
from .traces import Trace
from .tracing import trace

__all__ = [
    "check_gradients",
    "numerical_gradient",
    "trace",
    "Trace",
    "compare_with_keras",
    "Report",
    "Difference",
    "grade",
    "Scores",
]
