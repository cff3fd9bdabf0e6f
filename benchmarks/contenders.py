"""The contenders: the same networks, each written as the users of its framework write them.

What all share: the weights they start from, plain float32 arrays as data, Adam(0.001) with
epsilon 1e-7, a fresh shuffle in each epoch, a smaller last batch, and the loss of each epoch read
once. Only what comes with a `fit` that computes the accuracy does so. Frameworks are imported when
a contender is made, so that each process holds one.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
from workloads import Array

ADAM_RATE = 1e-3
ADAM_EPSILON = 1e-7
SGD_RATE = 1e-2


class Task(NamedTuple):
    """A network, and the data it is trained on.

    Attributes:
        kernels: the initial kernel (D, U) of each layer; relu follows all but the last.
        batch: samples per step.
        regression: False for softmax, cross-entropy and Adam; True for a linear output, the
            squared error and SGD.
        x, y: inputs (N, D), and labels (N,) or targets (N, U).
    """

    kernels: list[Array]
    batch: int
    regression: bool
    x: Array
    y: Array


class Contender:
    """What a worker asks of a framework."""

    name: str
    title: str
    modules: tuple[str, ...]
    """What must be installed."""

    imports: str
    """What a program starts with: the import, and what is imported late by some."""

    environment: ClassVar[dict[str, str]] = {}
    kinds: tuple[str, ...] = ("import", "neuron", "train", "evaluate", "predict", "memory")
    """The kinds of workloads it takes part in."""

    learns = True
    """Whether there is a loss to be checked."""

    def __init__(self, threads: int) -> None:
        """Import the framework and hold it to so many threads."""
        raise NotImplementedError

    def versions(self) -> dict[str, str]:
        """Return the versions of what it is made of."""
        raise NotImplementedError

    def place(self, x: Array) -> Any:
        """Return inputs as the users of this framework keep them."""
        return x

    def build(self, task: Task) -> None:
        """Make the network and take the data."""
        raise NotImplementedError

    def set_kernels(self, kernels: list[Array]) -> None:
        """Set the kernels, and the biases to zero."""
        raise NotImplementedError

    def weights(self) -> list[tuple[Array, Array]]:
        """Return (kernel, bias) of each layer."""
        raise NotImplementedError

    def fit(self, epochs: int) -> None:
        """Train for some epochs."""
        raise NotImplementedError

    def timed_epoch(self) -> float:
        """Train for one epoch; return its seconds, without what is done once per `fit`."""
        start = time.perf_counter()
        self.fit(1)
        return time.perf_counter() - start

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        """Return the loss and accuracy on placed inputs and labels."""
        raise NotImplementedError

    def predict(self, x: Any) -> Array:
        """Return the probabilities for placed inputs."""
        raise NotImplementedError

    def call(self, x: Any) -> Array:
        """Return the probabilities for one placed sample, by the shortest way there is."""
        raise NotImplementedError


class KerasProgram(Contender):
    """The same program for scratchnn and for Keras: all that differs is what is imported."""

    kinds = (*Contender.kinds, "predict-one", "call-one")
    keras: Any

    def build(self, task: Task) -> None:
        keras, (*hidden, last) = self.keras, task.kernels
        self._task = task
        self._model = keras.Sequential(
            [
                keras.Input((task.kernels[0].shape[0],)),
                *(keras.layers.Dense(kernel.shape[1], activation="relu") for kernel in hidden),
                keras.layers.Dense(
                    last.shape[1], activation=None if task.regression else "softmax"
                ),
            ]
        )
        if task.regression:
            self._model.compile(keras.optimizers.SGD(SGD_RATE), "mean_squared_error")
        else:
            self._model.compile(
                keras.optimizers.Adam(ADAM_RATE, epsilon=ADAM_EPSILON),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
        self._clock = _epoch_clock(keras)

    def set_kernels(self, kernels: list[Array]) -> None:
        self._model.set_weights(
            [w for kernel in kernels for w in (kernel, np.zeros(kernel.shape[1], np.float32))]
        )

    def weights(self) -> list[tuple[Array, Array]]:
        flat = self._model.get_weights()
        return list(zip(flat[::2], flat[1::2], strict=True))

    def fit(self, epochs: int, verbose: int = 0, callbacks: Any = None) -> None:
        self._model.fit(
            self._task.x,
            self._task.y,
            batch_size=self._task.batch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
        )

    def timed_epoch(self) -> float:
        self.fit(1, callbacks=[self._clock])
        return self._clock.seconds

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        loss, accuracy = self._model.evaluate(x, y, verbose=0)
        return float(loss), float(accuracy)

    def predict(self, x: Any) -> Array:
        return self._model.predict(x, verbose=0)

    def call(self, x: Any) -> Array:
        return np.asarray(self._model(x))


def _epoch_clock(keras: Any) -> Any:
    """Return a callback that times the last epoch."""

    class EpochClock(keras.callbacks.Callback):
        seconds = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self._start

    return EpochClock()


class Scratchnn(KerasProgram):
    name = "scratchnn"
    title = "scratchnn"
    modules = ("scratchnn",)
    imports = "import scratchnn; scratchnn.Sequential, scratchnn.layers.Dense"
    kinds = (*KerasProgram.kinds, "verbose")

    def __init__(self, threads: int) -> None:
        import scratchnn

        self.keras = scratchnn

    def versions(self) -> dict[str, str]:
        return {"scratchnn": self.keras.__version__}


class TfKeras(KerasProgram):
    name = "tf.keras"
    title = "tf.keras"
    modules = ("tensorflow", "keras")
    imports = "import tensorflow as tf; tf.keras.Sequential, tf.keras.layers.Dense"
    environment: ClassVar[dict[str, str]] = {"KERAS_BACKEND": "tensorflow"}

    def __init__(self, threads: int) -> None:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._tf = tf
        self.keras = tf.keras

    def versions(self) -> dict[str, str]:
        return {"TensorFlow": self._tf.__version__, "Keras": self.keras.__version__}


class KerasOnJax(KerasProgram):
    name = "keras-jax"
    title = "Keras on JAX"
    modules = ("keras", "jax")
    imports = "import keras; keras.Sequential, keras.layers.Dense"
    environment: ClassVar[dict[str, str]] = {"KERAS_BACKEND": "jax"}

    def __init__(self, threads: int) -> None:
        import keras

        self.keras = keras

    def versions(self) -> dict[str, str]:
        import jax

        return {"Keras": self.keras.__version__, "JAX": jax.__version__}


class PyTorch(Contender):
    """Eager PyTorch: the loop of its tutorials, on tensors in memory, with the fused optimizer."""

    name = "torch"
    title = "PyTorch"
    modules = ("torch",)
    imports = "import torch"
    kinds = (*Contender.kinds, "call-one")

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
        torch.manual_seed(0)
        self._torch = torch

    def versions(self) -> dict[str, str]:
        return {"PyTorch": self._torch.__version__}

    def place(self, x: Array) -> Any:
        return self._torch.from_numpy(x)

    def build(self, task: Task) -> None:
        torch = self._torch
        layers: list[Any] = []
        for kernel in task.kernels:
            layers += [torch.nn.Linear(*kernel.shape), torch.nn.ReLU()]
        self._model = torch.nn.Sequential(*layers[:-1])
        weights = self._model.parameters()
        if task.regression:
            self._optimizer = torch.optim.SGD(weights, SGD_RATE, fused=True)
            self._loss = torch.nn.functional.mse_loss
        else:
            self._optimizer = torch.optim.Adam(weights, ADAM_RATE, eps=ADAM_EPSILON, fused=True)
            self._loss = torch.nn.functional.cross_entropy
        self._x, self._y = self.place(task.x), self.place(task.y)
        self._batch = task.batch

    def set_kernels(self, kernels: list[Array]) -> None:
        with self._torch.no_grad():
            for layer, kernel in zip(self._linear(), kernels, strict=True):
                layer.weight.copy_(self._torch.from_numpy(kernel.T.copy()))
                layer.bias.zero_()

    def weights(self) -> list[tuple[Array, Array]]:
        return [
            (layer.weight.detach().numpy().T, layer.bias.detach().numpy())
            for layer in self._linear()
        ]

    def _linear(self) -> list[Any]:
        return list(self._model)[::2]

    def fit(self, epochs: int) -> None:
        samples = len(self._x)
        for _ in range(epochs):
            order = self._torch.randperm(samples)
            total = self._torch.zeros(())
            for start in range(0, samples, self._batch):
                rows = order[start : start + self._batch]
                loss = self._loss(self._model(self._x[rows]), self._y[rows])
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
                total += loss.detach() * len(rows)
            self.loss = total.item() / samples

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        with self._torch.inference_mode():
            z = self._model(x)
            return self._loss(z, y).item(), (z.argmax(1) == y).float().mean().item()

    def predict(self, x: Any) -> Array:
        with self._torch.inference_mode():
            return self._model(x).softmax(1).numpy()

    call = predict


class ScikitLearn(Contender):
    """scikit-learn's multilayer perceptron; an epoch is one `partial_fit`."""

    name = "sklearn"
    title = "scikit-learn"
    modules = ("sklearn",)
    imports = "from sklearn.neural_network import MLPClassifier"
    kinds = (*Contender.kinds, "predict-one")

    def __init__(self, threads: int) -> None:
        import sklearn.neural_network

        self._sklearn = sklearn
        # A fit that runs for the epochs it is told to is warned of as not converged.
        warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)

    def versions(self) -> dict[str, str]:
        return {"scikit-learn": self._sklearn.__version__}

    def build(self, task: Task) -> None:
        networks = self._sklearn.neural_network
        self._task = task
        self._target = task.y[:, 0] if task.regression else task.y
        options = {
            "hidden_layer_sizes": [kernel.shape[1] for kernel in task.kernels[:-1]],
            "batch_size": task.batch,
            "alpha": 0,
            "tol": 0,
            "n_iter_no_change": 10**9,
            "random_state": np.random.RandomState(0),  # an instance: the next epoch goes on in it
        }
        first = slice(0, task.batch)
        if task.regression:
            # Its loss is half the squared error.
            self._model = networks.MLPRegressor(
                solver="sgd",
                learning_rate_init=2 * SGD_RATE,
                momentum=0,
                warm_start=True,
                **options,
            )
            self._model.partial_fit(task.x[first], self._target[first])
        else:
            self._model = networks.MLPClassifier(
                solver="adam", learning_rate_init=ADAM_RATE, epsilon=ADAM_EPSILON, **options
            )
            classes = np.arange(task.kernels[-1].shape[1])
            self._model.partial_fit(task.x[first], self._target[first], classes=classes)
        # That first step has made the weights, which are replaced, and moved Adam, which starts
        # afresh without this.
        del self._model._optimizer

    def set_kernels(self, kernels: list[Array]) -> None:
        self._model.coefs_ = [kernel.copy() for kernel in kernels]
        self._model.intercepts_ = [np.zeros(kernel.shape[1], np.float32) for kernel in kernels]

    def weights(self) -> list[tuple[Array, Array]]:
        return list(zip(self._model.coefs_, self._model.intercepts_, strict=True))

    def fit(self, epochs: int) -> None:
        if self._task.regression:
            self._model.set_params(max_iter=epochs).fit(self._task.x, self._target)
            return
        for _ in range(epochs):
            self._model.partial_fit(self._task.x, self._target)

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        from sklearn.metrics import log_loss

        p = self._model.predict_proba(x)
        return log_loss(y, p, labels=self._model.classes_), float(np.mean(p.argmax(1) == y))

    def predict(self, x: Any) -> Array:
        return self._model.predict_proba(x)


class Jax(Contender):
    """Plain JAX with a whole epoch compiled into one function: `lax.scan` over the batches."""

    name = "jax"
    title = "JAX, compiled epoch"
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


class Floor(Contender):
    """The floor: what no NumPy program can do without.

    A training step's matrix products, two forward and three backward (more with more layers), and
    Adam's passes over one vector of all weights, on arrays made beforehand. No gathering of
    samples, no bias, no relu, no loss; nothing is learned. Adam is written out here with the
    passes and the blocks of scratchnn/optimizers/adam.py and base.py, from which nothing is
    imported: a change there belongs here as well.
    """

    name = "floor"
    title = "floor"
    modules = ("numpy",)
    imports = "import numpy"
    kinds = ("import", "train", "evaluate", "predict", "predict-one", "call-one")
    learns = False
    block = 32768

    def __init__(self, threads: int) -> None:
        pass

    def versions(self) -> dict[str, str]:
        return {}

    def build(self, task: Task) -> None:
        self._x = task.x
        self._batch = task.batch
        sizes = [kernel.shape for kernel in task.kernels]
        count = sum(d * u + u for d, u in sizes)
        w, g, m, v = (np.zeros(count, np.float32) for _ in range(4))
        s = np.empty(min(count, self.block), np.float32)
        self._blocks = [
            (w[i:j], g[i:j], m[i:j], v[i:j], s[: j - i]) for i, j in _spans(count, self.block)
        ]
        self._kernels, self._gradients = (list(_kernel_views(a, sizes)) for a in (w, g))
        rng = np.random.default_rng(0)
        whole, rest = divmod(len(task.x), task.batch)
        lengths = {n: None for n in (task.batch, rest, 1) if n}
        self._activations = {n: self._outputs(task.x[:n], sizes) for n in lengths}
        self._deltas = {
            n: [rng.normal(0, 1e-3, (n, u)).astype(np.float32) for _, u in sizes] for n in lengths
        }
        self.steps = [task.batch] * whole + [rest] * (rest > 0)

    def _outputs(self, x: Array, sizes: list[tuple[int, int]]) -> list[Array]:
        return [x, *(np.empty((len(x), u), np.float32) for _, u in sizes)]

    def set_kernels(self, kernels: list[Array]) -> None:
        for view, kernel in zip(self._kernels, kernels, strict=True):
            view[...] = kernel

    def forward(self, n: int) -> None:
        """Multiply n samples through the layers."""
        arrays = self._activations[n]
        for kernel, x, y in zip(self._kernels, arrays, arrays[1:], strict=False):
            np.matmul(x, kernel, out=y)

    def backward(self, n: int) -> None:
        """Multiply their gradients back."""
        arrays, deltas = self._activations[n], self._deltas[n]
        for i in reversed(range(len(deltas))):
            np.matmul(arrays[i].T, deltas[i], out=self._gradients[i])
            if i:
                np.matmul(deltas[i], self._kernels[i].T, out=deltas[i - 1])

    def update(self) -> None:
        """Take Adam's passes."""
        rate_1, rate_2, alpha = np.float32(0.1), np.float32(0.001), np.float32(ADAM_RATE)
        epsilon = np.float32(ADAM_EPSILON)
        for w, g, m, v, s in self._blocks:
            np.subtract(g, m, out=s)
            s *= rate_1
            m += s
            np.multiply(g, g, out=s)
            s -= v
            s *= rate_2
            v += s
            np.sqrt(v, out=s)
            s += epsilon
            np.divide(m, s, out=s)
            s *= alpha
            w -= s

    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            for n in self.steps:
                self.forward(n)
                self.backward(n)
                self.update()

    def weights(self) -> list[tuple[Array, Array]]:
        return []

    def evaluate(self, x: Any, y: Any) -> tuple[float, float]:
        self.predict(x)
        return float("nan"), float("nan")

    def predict(self, x: Array) -> Array:
        for n in [1] if len(x) == 1 else self.steps:
            self.forward(n)
        return np.empty((0, 0))

    call = predict


def _spans(count: int, length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, length):
        yield start, min(start + length, count)


def _kernel_views(vector: Array, sizes: list[tuple[int, int]]) -> Iterator[Array]:
    """Yield each kernel's part of a vector in which a bias follows each kernel."""
    start = 0
    for d, u in sizes:
        yield vector[start : start + d * u].reshape(d, u)
        start += d * u + u


CONTENDERS: dict[str, type[Contender]] = {
    contender.name: contender
    for contender in (Scratchnn, TfKeras, KerasOnJax, PyTorch, ScikitLearn, Jax, Floor)
}


def installed(contender: type[Contender]) -> bool:
    """Return whether all that a contender needs is installed; nothing is imported."""
    return all(importlib.util.find_spec(module) is not None for module in contender.modules)
