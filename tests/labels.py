"""Names of tests from what they are given: alike in each of the processes that share them."""

from __future__ import annotations

import re
from typing import Any


def label(value: Any) -> str:
    """Return a value as text, without the addresses of functions and objects in it."""
    return re.sub(r" ?at ?0x[0-9a-f]+", "", str(value))
