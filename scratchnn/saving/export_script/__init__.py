"""A trained model as one Python script that needs NumPy alone: `model.export_script(...)`.

A script's functions are copies of those in plain.py; layers.py and the files of families
say which layer becomes what.
"""

from __future__ import annotations

from .script import export_script

__all__ = ["export_script"]
