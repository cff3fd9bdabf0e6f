"""The callback that evaluates with averaged weights."""

from __future__ import annotations

from ..arrays import Array
from .base import Callback, Logs


class SwapEMAWeights(Callback):
    """Evaluate and predict with the moving average of the weights, and train on without it.

    The average is the one that an optimizer made with `use_ema=True` keeps.

    Arguments:
        swap_on_epoch: whether the average also takes the weights' place at the end of each epoch,
            for the callbacks after this one, such as a ModelCheckpoint, until the next begins.

    Raises:
        ValueError: in training, if the optimizer keeps no average.

    Example:
        >>> from scratchnn import Input, Sequential, layers, optimizers
        >>> model = Sequential([Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5), "mse")
        >>> for _ in range(2):
        ...     loss = model.train_on_batch([1.0], [1.0])
        >>> model.evaluate([1.0], [1.0], verbose=0)
        1.0
        >>> model.evaluate([1.0], [1.0], verbose=0, callbacks=[SwapEMAWeights()])
        0.0

    Reference:
        Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal
        on Control and Optimization, 1992.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _swap(self, average_in_model: bool) -> None:
        """Bring the average into the model, or the weights back, unless they are there."""
        if self._swapped == average_in_model:
            return
        weights, average = self._vectors()
        weights[...], average[...] = average.copy(), weights.copy()
        self._swapped = average_in_model

    def _vectors(self) -> tuple[Array, Array]:
        optimizer = self.model.optimizer
        if not optimizer.use_ema or not optimizer.built:
            raise ValueError(
                "SwapEMAWeights expected an optimizer with use_ema=True that has taken a step. "
                f"Received: use_ema={optimizer.use_ema}, built={optimizer.built}."
            )
        return optimizer._store.values, optimizer._average

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self.swap_on_epoch:
            return
        self._swap(True)
        if epoch == self.params["epochs"] - 1:
            # fit ends by putting the average into the model, where it already is.
            weights, average = self._vectors()
            average[...] = weights

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._swap(False)
