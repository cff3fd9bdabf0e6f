"""PyTorch, eager."""

from __future__ import annotations

from typing import Any

import numpy as np
from workloads import Array

from .base import ADAM_EPSILON, ADAM_RATE, SGD_RATE, Contender, Task


class PyTorch(Contender):
    """Eager PyTorch: the loop of its tutorials, on tensors in memory, with the fused optimizer."""

    name = "torch"
    title = "PyTorch"
    modules = ("torch",)
    imports = "import torch"
    kinds = (*Contender.kinds, "step", "call-one")
    networks = ("dense", "convnet")

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
        torch.manual_seed(0)
        self._torch = torch

    def versions(self) -> dict[str, str]:
        return {"PyTorch": self._torch.__version__}

    def place(self, x: Array) -> Any:
        if x.ndim == 4:  # PyTorch's images are channels first
            x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
        return self._torch.from_numpy(x)

    def build(self, task: Task) -> None:
        torch = self._torch
        layers = {"dense": self._dense, "convnet": self._convnet}[task.network]
        self._model = torch.nn.Sequential(*layers(task))
        weights = self._model.parameters()
        if task.regression:
            self._optimizer = torch.optim.SGD(weights, SGD_RATE, fused=True)
            self._loss = torch.nn.functional.mse_loss
        else:
            self._optimizer = torch.optim.Adam(weights, ADAM_RATE, eps=ADAM_EPSILON, fused=True)
            self._loss = torch.nn.functional.cross_entropy
        self._x, self._y = self.place(task.x), self.place(task.y)
        self._batch = task.batch

    def _dense(self, task: Task) -> list[Any]:
        nn, layers = self._torch.nn, []
        for kernel in task.kernels:
            layers += [nn.Linear(*kernel.shape), nn.ReLU()]
        return layers[:-1]

    def _convnet(self, task: Task) -> list[Any]:
        nn, layers = self._torch.nn, []
        *convolutions, last = task.kernels
        for kernel in convolutions:
            layers += [nn.Conv2d(*kernel.shape[2:], kernel.shape[:2]), nn.ReLU(), nn.MaxPool2d(2)]
        return [*layers, nn.Flatten(), nn.Dropout(0.5), nn.Linear(*last.shape)]

    def set_kernels(self, kernels: list[Array]) -> None:
        with self._torch.no_grad():
            for layer, kernel in zip(self._weighted(), kernels, strict=True):
                ours = self._as_torchs(kernel, layer)
                layer.weight.copy_(self._torch.from_numpy(np.ascontiguousarray(ours)))
                layer.bias.zero_()

    def weights(self) -> list[tuple[Array, Array]]:
        return [
            (self._as_kerass(layer.weight.detach().numpy(), layer), layer.bias.detach().numpy())
            for layer in self._weighted()
        ]

    def _weighted(self) -> list[Any]:
        return [layer for layer in self._model if hasattr(layer, "weight")]

    def _image(self, layer: Any) -> tuple[int, ...] | None:
        """Return (C, H, W) of what Flatten gave a dense layer after convolutions."""
        before = [one for one in self._weighted() if hasattr(one, "kernel_size")]
        if not before or not hasattr(layer, "in_features"):
            return None
        channels = before[-1].out_channels
        side = round((layer.in_features / channels) ** 0.5)
        return channels, side, side

    def _as_torchs(self, kernel: Array, layer: Any) -> Array:
        """Return a kernel (KH, KW, C, F) or (D, U) with the axes and the rows of PyTorch's."""
        if kernel.ndim == 4:
            return kernel.transpose(3, 2, 0, 1)
        if image := self._image(layer):
            channels, height, width = image
            kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
        return kernel.reshape(-1, kernel.shape[-1]).T

    def _as_kerass(self, weight: Array, layer: Any) -> Array:
        """Return the inverse of that."""
        if weight.ndim == 4:
            return weight.transpose(2, 3, 1, 0)
        if image := self._image(layer):
            return weight.T.reshape(*image, -1).transpose(1, 2, 0, 3).reshape(-1, len(weight))
        return weight.T

    def fit(self, epochs: int) -> None:
        self._model.train()
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
        self._model.eval()
        with self._torch.inference_mode():
            z = self._model(x)
            return self._loss(z, y).item(), (z.argmax(1) == y).float().mean().item()

    def predict(self, x: Any) -> Array:
        self._model.eval()
        with self._torch.inference_mode():
            return self._model(x).softmax(1).numpy()

    call = predict
