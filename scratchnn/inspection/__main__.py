"""The command line: compare a model with its twin in Keras, or grade parts of one's own.

python -m scratchnn.inspection compare my_model.py
python -m scratchnn.inspection grade solution.py
"""

from __future__ import annotations

import sys

from .commands import main

if __name__ == "__main__":
    sys.exit(main())
