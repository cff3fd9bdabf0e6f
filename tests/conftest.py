"""Every test starts with fresh names, no seed, and no trace of the last one's settings."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator

# NumPy's BLAS reads this when it is loaded. The tests' matrices are small, and on a busy machine
# two threads would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

# TensorFlow reads these when it is first imported: quiet, and on the CPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import scratchnn
from scratchnn.random import reset_global_generator, set_global_seed


@pytest.fixture(autouse=True)
def _fresh_state() -> Iterator[None]:
    scratchnn.utils.clear_session()
    set_global_seed(None)
    reset_global_generator()
    random.seed(20150330)
    np.random.seed(0)
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_floatx("float32")
        sys.modules["keras"].config.set_dtype_policy("float32")
    scratchnn.config._policy = None  # new layers are of floatx again
    scratchnn.config.set_floatx("float32")
    scratchnn.config.set_epsilon(1e-7)
    scratchnn.config.set_image_data_format("channels_last")


@pytest.fixture(autouse=True)
def _ctrl_c_interrupts() -> Iterator[None]:
    """A shell's background jobs ignore Ctrl-C; the tests are about programs that do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
