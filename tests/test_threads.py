"""The number of BLAS threads changes rounding, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

PROGRAM = """
import sys
import numpy as np
import scratchnn as keras

(x, y), _ = keras.datasets.mnist.load_data()
keras.utils.set_random_seed(3)
model = keras.Sequential([
    keras.Input((28, 28)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x[:3200], y[:3200], epochs=1, verbose=0).history
np.savez(sys.argv[1], *model.get_weights(), loss=history["loss"], accuracy=history["accuracy"])
"""


def test_results_do_not_depend_on_the_threads(tmp_path: Path) -> None:
    results = []
    for threads in ("1", "2"):
        path = tmp_path / f"{threads}.npz"
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads}
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)], env=environment, check=True, timeout=120
        )
        with np.load(path) as file:
            results.append(dict(file))
    one, two = results
    for name, expected in one.items():
        # A hundred steps of Adam, each of which adds a rounding of 6e-8 to weights of about 0.1.
        np.testing.assert_allclose(two[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)
