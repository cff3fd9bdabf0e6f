"""A trained model as an ONNX graph: `model.export("model.onnx", format="onnx")`.

graph.py collects nodes and weights; layers.py and windows.py say which layer becomes which nodes.
"""

from __future__ import annotations

from .export import export_onnx

__all__ = ["export_onnx"]
