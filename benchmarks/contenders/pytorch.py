"""PyTorch, eager."""

from __future__ import annotations

from typing import Any

from workloads import Array

from .base import ADAM_EPSILON, ADAM_RATE, SGD_RATE, Contender, Task


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
