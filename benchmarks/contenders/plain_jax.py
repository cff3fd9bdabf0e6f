"""JAX without Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from workloads import Array

from .base import ADAM_EPSILON, ADAM_RATE, SGD_RATE, Contender, Task


class Jax(Contender):
    """Plain JAX with a whole epoch compiled into one function: `lax.scan` over the batches."""

    name = "jax"
    title = "JAX, compiled"
    modules = ("jax",)
    imports = "import jax, jax.numpy"
    kinds = (*Contender.kinds, "call-one")

    def __init__(self, threads: int) -> None:
        import jax

        self._jax = jax

    def versions(self) -> dict[str, str]:
        return {"JAX": self._jax.__version__}

    def place(self, x: Array) -> Any:
        return self._jax.numpy.asarray(x)

    def build(self, task: Task) -> None:
        jax = self._jax
        self._x, self._y = self.place(task.x), self.place(task.y)
        self._batch = task.batch
        self._rng = np.random.default_rng(0)
        self._epoch = jax.jit(_jax_epoch(jax, task.regression), donate_argnums=0, static_argnums=4)
        self._probabilities = jax.jit(lambda ws, x: jax.nn.softmax(_jax_network(jax, ws, x)))
        self._scores = jax.jit(_jax_scores(jax))

    def set_kernels(self, kernels: list[Array]) -> None:
        jnp = self._jax.numpy
        weights = [(jnp.array(kernel), jnp.zeros(kernel.shape[1])) for kernel in kernels]
        m, v = (self._jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
        self._state = weights, m, v, jnp.float32(0)

    def weights(self) -> list[tuple[Array, Array]]:
        return [(np.asarray(kernel), np.asarray(bias)) for kernel, bias in self._state[0]]

    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self._rng.permutation(len(self._x)).astype(np.int32)
            self._state, loss = self._epoch(self._state, self._x, self._y, order, self._batch)
            self.loss = float(loss)

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        loss, accuracy = self._scores(self._state[0], x, y)
        return float(loss), float(accuracy)

    def predict(self, x: Any) -> Array:
        return np.asarray(self._probabilities(self._state[0], x))

    call = predict


def _jax_network(jax: Any, weights: Any, x: Any) -> Any:
    *hidden, (kernel, bias) = weights
    for w, b in hidden:
        x = jax.nn.relu(x @ w + b)
    return x @ kernel + bias


def _jax_crossentropy(jax: Any, z: Any, y: Any) -> Any:
    logs = jax.nn.log_softmax(z)
    return -jax.numpy.take_along_axis(logs, y[:, None], axis=1).mean()


def _jax_scores(jax: Any) -> Callable[..., Any]:
    def scores(weights: Any, x: Any, y: Any) -> Any:
        z = _jax_network(jax, weights, x)
        return _jax_crossentropy(jax, z, y), (z.argmax(1) == y).mean()

    return scores


def _jax_epoch(jax: Any, regression: bool) -> Callable[..., Any]:
    """Return (state, x, y, order, batch) -> (state, loss), one epoch."""
    jnp = jax.numpy

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        z = _jax_network(jax, weights, x)
        return ((z - y) ** 2).mean() if regression else _jax_crossentropy(jax, z, y)

    def adam(state: Any, gradients: Any) -> Any:
        weights, m, v, t = state
        t = t + 1
        rate = ADAM_RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m = jax.tree.map(lambda m, g: m + (g - m) * 0.1, m, gradients)
        v = jax.tree.map(lambda v, g: v + (g * g - v) * 0.001, v, gradients)
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + ADAM_EPSILON), weights, m, v
        )
        return weights, m, v, t

    def sgd(state: Any, gradients: Any) -> Any:
        weights, *rest = state
        return jax.tree.map(lambda w, g: w - SGD_RATE * g, weights, gradients), *rest

    def epoch(state: Any, x: Any, y: Any, order: Any, batch: int) -> Any:
        def step(state: Any, rows: Any) -> Any:
            loss, gradients = jax.value_and_grad(loss_of)(state[0], x[rows], y[rows])
            state = sgd(state, gradients) if regression else adam(state, gradients)
            return state, loss * len(rows)

        whole = len(order) // batch * batch
        state, losses = jax.lax.scan(step, state, order[:whole].reshape(-1, batch))
        total = losses.sum()
        if whole < len(order):
            state, last = step(state, order[whole:])
            total += last
        return state, total / len(order)

    return epoch
