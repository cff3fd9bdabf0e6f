"""A trained model as one Python script that needs NumPy alone: `model.export_script(...)`.

What a script says is as plain as its functions in plain.py; layers.py says which layer becomes what.
"""

from __future__ import annotations

from .script import export_script

__all__ = ["export_script"]
