"""Model: the whole of training, in one place.

`train_step` is one step; `fit` is the loop around it. Sequential, in sequential.py, adds the two
loops over its layers, forward and backward.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import config, naming, optimizers, regularizers, tree
from ..arrays import Array, as_tensor
from ..callbacks import CallbackList, History, Logs, as_callbacks, standardize_verbose
from ..context import Context
from ..data import ArrayBatches, Batch, Batches, Epochs, split_validation
from ..layers.base import Layer, has_symbols, own, undone_on_error
from ..metrics import Mean, Metric
from ..parameters import Parameter, ParameterStore
from ..streams import Stream, is_stream
from ..strings import STRING
from . import feeding
from .compiled import CompiledLoss, CompiledMetrics
from .interrupts import FinishStep
from .outputs import CompiledLosses, CompiledMetricsOfOutputs


class Model(Layer):
    """The base of models: compile, fit, evaluate, predict.

    Arguments:
        **kwargs: the arguments of every Layer.

    Example:
        >>> from scratchnn.layers import Dense, Input
        >>> x = Input((4,))
        >>> model = Model(x, Dense(2)(x))
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((8, 4)), np.ones((8, 2)), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """

    casts_integers = False
    takes_mask = True

    input_names: Sequence[str] = ()
    """The names of the inputs, where they have names."""

    _INSTEAD_OF_CALL = (
        "Build the model of layers instead: keras.Sequential([...]) for a chain of them; for "
        "branches the functional API, x = keras.Input(shape), y = keras.layers.Dense(10)(x) and so "
        "on, keras.Model(x, y). A computation of your own goes into a keras.layers.Layer with "
        "forward(x, ctx) and backward(dy, ctx), which such a model is then made of."
    )

    # What training works with; set by `compile` (before it, None) and `_prepare_training`.
    optimizer: Any
    _loss: Any
    _store: ParameterStore
    _training: Context
    _regularized: list[tuple[Parameter, regularizers.Regularizer]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (args or "inputs" in kwargs or "outputs" in kwargs):
            from .functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *tensors: Any, **kwargs: Any) -> None:
        if tensors or "inputs" in kwargs or "outputs" in kwargs:
            raise ValueError(
                f"{type(self).__name__} cannot be made of inputs and outputs. Call "
                "keras.Model(inputs, outputs) itself, or use a Sequential."
            )
        super().__init__(**kwargs)
        self.optimizer = None
        self.loss: Any = None
        self.history: History | None = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self._epochs: Epochs | None = None
        self.compiled = False
        self.steps_per_execution = 1
        self._loss = None
        self._compiled_metrics: Any = CompiledMetrics()
        self._loss_tracker = Mean(name="loss")
        self._packed = False

    def __getstate__(self) -> dict[str, Any]:
        # The weights are packed anew, and the buffers of training made anew, by the next fit.
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k not in ("_store", "_training")} | {
            "_packed": False
        }

    # What kinds of models define ----------------------------------------------------------------

    @property
    def input_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self.dtype

    @property
    def input_dtypes(self) -> list[str]:
        """The dtypes that the data of each input is cast to."""
        return [self.input_dtype]

    @property
    def takes_strings(self) -> bool:  # type: ignore[override]
        return STRING in self.input_dtypes

    @property
    def compute_dtype(self) -> str:
        return STRING if self.takes_strings else self.dtype

    def check_dtypes(self, dtypes: Sequence[str]) -> None:
        for given, wanted in zip(dtypes, self.input_dtypes, strict=False):
            if (given == STRING) != (wanted == STRING):
                raise ValueError(
                    f"The model {self.name!r} expected an input of dtype {wanted!r}. "
                    f"Received: one of dtype {given!r}."
                )

    def fit_input(self, x: Any) -> Any:
        """Return inputs with a last axis of size 1 added or dropped to fit the model.

        Raises:
            ValueError: if their shape does not fit the model's input shape.
        """
        raise NotImplementedError(f"{type(self).__name__} must define fit_input(x).")

    def as_list(self, x: Any) -> list[Any]:
        """Return the data of each input, of what was given for all of them.

        Raises:
            ValueError: if it is not for as many inputs as the model has.
        """
        raise ValueError(
            f"The model {self.name!r} has one input without a name. Received: data in a "
            f"{type(x).__name__}; give the array itself."
        )

    @property
    def output_keys(self) -> list[str]:
        """The names that losses, metrics and targets of several outputs go by; [] for one."""
        return []

    def as_output(self, y: Any) -> Any:
        """Return outputs in the structure in which the user gave those of a functional model."""
        return y

    # Compile ------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained; names are checked here and now.

        Compiling again keeps the weights, and the loss and metrics that are not given anew.

        Arguments:
            optimizer: a name or an Optimizer.
            loss: a name, a Loss, or a loss function of this package.
            loss_weights: what the loss is multiplied by.
            metrics, weighted_metrics: lists of names, Metrics or functions; the latter use the
                sample weights.
            steps_per_execution: batches between two calls of the batch hooks of callbacks.
            run_eagerly, jit_compile, auto_scale_loss: taken for Keras's sake; every step runs
                eagerly here, and nothing is compiled or computed in half precision.

        Raises:
            ValueError: for names that are not known, with the nearest one that is.
        """
        chosen = optimizers.get(optimizer)
        steps_per_execution = feeding.count("steps_per_execution", steps_per_execution) or 1
        compiled_loss: Any = self._loss
        if loss is not None:
            compiled_loss = (
                CompiledLosses(loss, loss_weights, self.output_keys)
                if self.output_keys
                else CompiledLoss(loss, loss_weights)
            )
        compiled_metrics: Any = self._compiled_metrics
        if self.output_keys and not self.compiled:
            compiled_metrics = CompiledMetricsOfOutputs(None, None, self.output_keys)
        if metrics is not None or weighted_metrics is not None:
            compiled_metrics = (
                CompiledMetricsOfOutputs(metrics, weighted_metrics, self.output_keys)
                if self.output_keys
                else CompiledMetrics(metrics, weighted_metrics)
            )
        self.optimizer = chosen
        self.loss = loss if loss is not None else self.loss
        self._loss = compiled_loss
        self._compiled_metrics = compiled_metrics
        self.steps_per_execution = steps_per_execution
        self.compiled = True
        self.stop_training = False
        self._packed = False
        self._compile_config = {
            "optimizer": chosen,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile is True and not run_eagerly,
        }

    def _require_compiled(self) -> None:
        if not self.compiled:
            raise ValueError(
                "The model must be compiled before it is trained or evaluated: call "
                "model.compile(optimizer=..., loss=...) first."
            )

    @property
    def metrics(self) -> list[Metric]:
        """The loss's mean and the metrics."""
        trackers = [self._loss_tracker] if self.compiled else []
        return [*trackers, *self._output_losses(), *self._compiled_metrics.metrics]

    def _output_losses(self) -> list[Metric]:
        """Return the means of the losses of single outputs, where there are several."""
        return self._loss.metrics if isinstance(self._loss, CompiledLosses) else []

    @property
    def metrics_names(self) -> list[str]:
        """Their names."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Forget all batches that the loss's mean and the metrics have seen."""
        self._loss_tracker.reset_state()
        for tracker in self._output_losses():
            tracker.reset_state()
        self._compiled_metrics.reset()

    # One step -----------------------------------------------------------------------------------

    def train_step(self, batch: Batch) -> Any:
        """Learn from one batch; return its loss."""
        ctx = self._training
        y_pred = self.forward(batch.x, ctx)
        loss = self._loss.forward(batch.y, y_pred, batch.weight, ctx)
        if self._penalized:
            loss = loss + self.activity_penalty(ctx)
        self.backward(self._loss.gradient(), ctx)
        if self._regularized:
            loss = loss + self._regularize()
        self.optimizer.step(self._store)
        self._track(loss, batch, y_pred, ctx)
        return loss

    def test_step(self, batch: Batch, ctx: Context) -> Any:
        """Work out the loss and metrics of one batch; return the loss."""
        y_pred = self.forward(batch.x, ctx)
        loss = self._loss.forward(batch.y, y_pred, batch.weight, ctx)
        if self._penalized:
            loss = loss + self.activity_penalty(ctx)
        for parameter, regularizer in self._regularized:
            loss = loss + regularizer.penalty(parameter.value)
        self._track(loss, batch, y_pred, ctx)
        return loss

    def _track(self, loss: Any, batch: Batch, y_pred: Any, ctx: Context) -> None:
        """Take a batch into the loss's mean, weighted by its samples, and into the metrics."""
        samples = np.float32(len(y_pred[0] if type(y_pred) is list else y_pred))
        self._loss_tracker.total.value += loss * samples
        self._loss_tracker.count.value += samples
        self._compiled_metrics.update(batch, y_pred, ctx)

    def _find_penalties(self) -> None:
        """Note what adds to the loss beside the loss itself, once for many steps."""
        found = self._store.trainable if self._packed else self.trainable_weights
        self._regularized = [(p, p.regularizer) for p in found if p.regularizer is not None]
        self._penalized = any(layer.activity_regularizer for layer in self.walk())

    def _regularize(self) -> Any:
        """Add the gradients of the weights' penalties; return the penalties."""
        total: Any = 0
        for parameter, regularizer in self._regularized:
            total = total + regularizer.penalty(parameter.value)
            parameter.grad += regularizer.gradient(parameter.value)
            parameter.make_dense()
        return total

    def _prepare_training(self) -> None:
        """Pack the weights, once after compile; which ones are trained is settled by that."""
        if not self._packed:
            trainable = self.trainable_weights
            fixed = [w for w in self.weights if not w.trainable]
            self._store = ParameterStore(trainable, fixed)
            self._training = self._new_context(training=True)
            self._packed = True
            if not trainable:
                warnings.warn(
                    f"The model {self.name!r} does not have any trainable weights.", stacklevel=3
                )
        elif not self._store.holds_its_parameters():
            self._store = ParameterStore(self._store.trainable, self._store.fixed)
        self.optimizer.build(self._store)
        self._find_penalties()

    def _new_context(self, training: bool = False) -> Context:
        ctx = Context(training, self.dtype)
        ctx.needs_dx = False
        return ctx

    def _as_batches(
        self, x: Any, y: Any, weight: Any, batch_size: int, *how: Any
    ) -> ArrayBatches | Stream:
        if self._loss is None:
            raise ValueError(
                "There is no loss to train or evaluate with: compile the model with one, such as "
                "model.compile(loss='mean_squared_error')."
            )
        return feeding.as_batches(
            self, self._loss, self._compiled_metrics, x, y, weight, batch_size, *how
        )

    # The loops ----------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
    ) -> History:
        """Train the model, `epochs` times over all data, and return the History.

        Arguments:
            x: inputs (N, ...): an array, nested lists, anything with `__array__`.
            y: targets (N, ...).
            batch_size: samples per step; 32 if not given.
            epochs: the number of the last epoch, counted from 1.
            verbose: 0 for silence, 1 or 'auto' for a progress bar, 2 for a line per epoch.
            callbacks: a Callback, a list of them, or a CallbackList.
            validation_split: the fraction of the data, at its end, to validate on instead.
            validation_data: (x, y) or (x, y, sample_weight) to validate on after each epoch.
            shuffle: True, False, or 'batch' to shuffle within each batch only.
            class_weight: {class: weight of its samples}.
            sample_weight: (N,), what each sample counts.
            initial_epoch: the epoch to start from.
            steps_per_epoch: steps in an epoch; the data runs on from one epoch into the next.
            validation_steps: batches to validate on; all if not given.
            validation_batch_size: samples per validation batch; batch_size if not given.
            validation_freq: validate every so many epochs, or after the epochs listed.

        Raises:
            ValueError: for data that does not fit the model or its loss, before any training.
            KeyboardInterrupt: on Ctrl-C, after the step it came in; the model and its history are
                as that step and the last whole epoch left them.
        """
        self._require_compiled()
        standardize_verbose(verbose)
        callbacks = as_callbacks(callbacks)
        steps_per_epoch = self._steps("steps_per_epoch", steps_per_epoch)
        batch_size = feeding.count("batch_size", batch_size or None)
        validation_steps = feeding.fewest(
            feeding.count("validation_steps", validation_steps), config.max_steps_per_epoch()
        )
        validation_batch_size = feeding.count(
            "validation_batch_size", validation_batch_size or None
        )
        validation_freq = feeding.frequency(validation_freq)
        epochs, initial_epoch = (
            feeding.whole("epochs", epochs),
            feeding.whole("initial_epoch", initial_epoch),
        )
        epochs = feeding.limited("epochs", epochs, config.max_epochs()) or 0
        if validation_split and validation_data is None:
            feeding.refuse_to_split(x, y)
            first, last = split_validation(
                validation_split, *feeding.as_arrays(self, x, y, sample_weight)
            )
            x, y, sample_weight = first
            validation_data = last if last[2] is not None else last[:2]
        if batch_size is None:
            known = steps_per_epoch is not None and not is_stream(x, y) and hasattr(x, "__len__")
            batch_size = max(1, math.ceil(len(x) / steps_per_epoch)) if known else 32  # type: ignore[operator]
        with undone_on_error(self):
            batches = self._as_batches(x, y, sample_weight, batch_size, shuffle, class_weight)
            validate = self._validation(
                validation_data, validation_batch_size or batch_size, validation_steps
            )
        batches.on_epoch_end()  # as in Keras, a dataset hears of an epoch's end before the first
        self._prepare_training()
        data = Epochs(batches, steps_per_epoch, initial_epoch)
        run = self._callbacks(callbacks, verbose, data.steps, epochs, add_history=True)
        self.stop_training = False
        logs: Logs = {}
        warned = False
        with FinishStep() as interrupt, np.errstate(all="ignore"):
            try:
                self._epochs = data
                run.on_train_begin()
                for epoch in range(data.first, epochs):
                    if data.over():
                        _warn_over(epoch, epochs)
                        break
                    self.reset_metrics()
                    run.on_epoch_begin(epoch)
                    for step, batch in data.epoch():
                        self._before(run, "train", step)
                        loss = self.train_step(batch)
                        self._after(run, "train", step, data.steps, self._logs)
                        interrupt.check()
                        if self.stop_training:
                            break
                        if not warned and not math.isfinite(loss):
                            warned = _warn_not_finite(loss, epoch, step)
                    logs = self._logs()
                    if validate is not None and feeding.is_due(epoch, validation_freq):
                        logs |= {f"val_{k}": v for k, v in validate(run).items()}
                        logs = dict(sorted(logs.items()))
                    run.on_epoch_end(epoch, logs)
                    if self.stop_training:
                        break
                if epochs > 0:
                    self.optimizer.finalize_variable_values()
                run.on_train_end(logs)
            except KeyboardInterrupt:
                run.interrupt()
                raise
            finally:
                self._epochs = None  # the data is the caller's, to keep or to free
        return run.require_history()

    def _steps(self, argument: str, steps: int | None) -> int | None:
        """Return the steps of an epoch that the user asked for, and `config` allows."""
        return feeding.limited(
            argument, feeding.count(argument, steps), config.max_steps_per_epoch()
        )

    def _before(self, run: CallbackList, kind: str, step: int) -> bool:
        """Tell the callbacks that a batch, or a group of them, begins; return whether one does."""
        begins = step % self.steps_per_execution == 0
        if begins:
            run.before_batch(kind, step)
        return begins

    def _after(
        self, run: CallbackList, kind: str, step: int, steps: int | None, logs: Callable[[], Any]
    ) -> None:
        rest = -(step + 1) % self.steps_per_execution
        if not rest or step + 1 == steps:
            run.after_batch(kind, step + rest, logs)  # Keras counts an incomplete group as whole

    def _logs(self) -> Logs:
        """Return the loss and metrics so far, by name, in alphabetical order."""
        results = {"loss": float(self._loss_tracker.result()), **self._compiled_metrics.results()}
        for tracker in self._output_losses():
            results[tracker.name] = float(tracker.result())
        return dict(sorted(results.items()))

    def _validation(
        self, data: Any, batch_size: int, steps: int | None
    ) -> Callable[[CallbackList], Logs] | None:
        """Return what evaluates the validation data after an epoch; None without such data."""
        if data is None:
            return None
        x, y, weight = feeding.as_validation_data(data)
        batches = self._as_batches(x, y, weight, batch_size)
        ctx = self._new_context()

        def validate(run: CallbackList) -> Logs:
            return self._test(batches, steps, run, ctx)

        return validate

    def _test(self, batches: Batches, steps: int | None, run: CallbackList, ctx: Context) -> Logs:
        self._find_penalties()
        self.reset_metrics()
        self.stop_evaluating = False
        run.on_test_begin()
        count = feeding.fewest(steps, batches.steps)
        batches.on_epoch_end()
        batches.on_epoch_begin()
        for step, batch in enumerate(itertools.islice(batches, count)):
            self._before(run, "test", step)
            self.test_step(batch, ctx)
            self._after(run, "test", step, count, self._logs)
            if self.stop_evaluating:
                break
        batches.on_epoch_end()
        logs = self._logs()
        run.on_test_end(logs)
        return logs

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and metrics on some data.

        Arguments:
            x, y, sample_weight, batch_size, verbose, callbacks: as for fit.
            steps: batches to evaluate; all if not given.
            return_dict: whether to return {name: value}; else a list, loss first, or the loss
                alone where there are no metrics.
        """
        self._require_compiled()
        standardize_verbose(verbose)
        callbacks = as_callbacks(callbacks)
        steps = self._steps("steps", steps or None)
        size = feeding.count("batch_size", batch_size or None) or 32
        batches = self._as_batches(x, y, sample_weight, size)
        run = self._callbacks(callbacks, verbose, steps or batches.steps)
        with np.errstate(all="ignore"):
            logs = self._test(batches, steps, run, self._new_context())
        return logs if return_dict else self._in_order(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the model's output for `x`, computed batch by batch, as a new array.

        Arguments:
            x: inputs (N, ...).
            batch_size, verbose, callbacks: as for fit.
            steps: batches to predict; all if not given.
        """
        standardize_verbose(verbose)
        callbacks = as_callbacks(callbacks)
        steps = self._steps("steps", steps or None)
        size = feeding.count("batch_size", batch_size or None) or 32
        batches = feeding.as_inputs(self, x, size)
        count = feeding.fewest(steps, batches.steps)
        run = self._callbacks(callbacks, verbose, count)
        ctx = self._new_context()
        outputs: list[Array] = []
        seen = 0
        self.stop_predicting = False
        with np.errstate(all="ignore"):
            run.on_predict_begin()
            batches.on_epoch_begin()
            for step, batch in enumerate(itertools.islice(batches, count)):
                if self._before(run, "predict", step):
                    seen = step
                outputs.append(_copied(self.forward(batch.x, ctx)))
                group = outputs[seen:]
                self._after(
                    run,
                    "predict",
                    step,
                    count,
                    lambda group=group: {"outputs": self.as_output(_joined(group))},  # type: ignore[misc]
                )
                if self.stop_predicting:
                    break
            batches.on_epoch_end()
            run.on_predict_end()
        return self.as_output(_joined(outputs))

    def _callbacks(
        self,
        callbacks: Any,
        verbose: Any,
        steps: int | None,
        epochs: int = 1,
        add_history: bool = False,
    ) -> CallbackList:
        """Return the callbacks of a run as a CallbackList; one that is given is taken as it is."""
        if isinstance(callbacks, CallbackList):
            if callbacks.model is None:
                callbacks.set_model(self)
            if add_history:
                callbacks.require_history()
            return callbacks
        return CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

    def _in_order(self, logs: Logs) -> Any:
        """Return the values as evaluate lists them: in the order of compile."""
        metrics = [] if self.output_keys else self._compiled_metrics.metrics
        names = [m.name for m in [self._loss_tracker, *self._output_losses(), *metrics]]
        values = [logs[name] for name in names if name in logs]
        values += [logs[name] for name in sorted(logs) if name not in names]
        return values[0] if len(values) == 1 else values

    # Single batches -----------------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Take one training step on one batch; return its loss and metrics, as evaluate does."""
        self._require_compiled()
        batch = self._one_batch(x, y, sample_weight, class_weight)
        self._prepare_training()
        self.reset_metrics()
        with np.errstate(all="ignore"):
            self.train_step(batch)
        return self._logs() if return_dict else self._in_order(self._logs())

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the loss and metrics of one batch, as evaluate does."""
        self._require_compiled()
        batch = self._one_batch(x, y, sample_weight)
        self._find_penalties()
        self.reset_metrics()
        with np.errstate(all="ignore"):
            self.test_step(batch, self._new_context())
        return self._logs() if return_dict else self._in_order(self._logs())

    def predict_on_batch(self, x: Any) -> Any:
        """Return the model's output for one batch."""
        return tree.map_structure(lambda part: part.numpy(), self(x))

    def _one_batch(self, x: Any, y: Any, weight: Any, class_weight: Any = None) -> Batch:
        x = feeding.as_input(self, x)
        samples = len(x[0] if isinstance(x, list) else x)
        return next(iter(self._as_batches(x, y, weight, samples, False, class_weight)))

    def call_inputs(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        return inputs, {"training": training, "mask": mask}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the model's output for inputs, a batch, as an array of its own.

        Arguments:
            inputs: an array; a list or a dict of arrays for several inputs; or KerasTensors, to
                make the model part of another.
            training: whether to run as in training.
            mask: the mask of the inputs, (N, T), if they have one.
        """
        x, options = self.taken_apart(args, kwargs)
        if has_symbols(x):
            return self.connect(x, options)
        x = feeding.as_input(self, x)
        if not self.built:
            self.build(x.shape)
        ctx = Context(options.get("training"), self.dtype)
        ctx.in_mask = options.get("mask")
        with np.errstate(all="ignore"):
            y = self.forward(x, ctx)
        if isinstance(y, list) or isinstance(x, list):
            given = tree.flatten(x)
            y = tree.map_structure(lambda part: as_tensor(own(part, given)), y)
            return self.as_output(y)
        return as_tensor(y.copy() if np.may_share_memory(y, x) else y)

    # Files --------------------------------------------------------------------------------------

    def save(
        self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Save the whole model, compiled as it is: see `saving.save_model`.

        Arguments:
            filepath: where to: a name ending in .keras or .npz; or, for Keras's older format, .h5.
            overwrite: whether to replace a file that is there.
            zipped: True or None; a model is one file here.
        """
        from ..saving import save_model

        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Save the weights and the optimizer's state: see `saving.save_weights`.

        Arguments:
            filepath: where to: a name ending in .weights.h5 or .weights.npz.
            overwrite: whether to replace a file that is there.
            max_shard_size: not supported.
        """
        from ..saving import save_weights

        save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Take the weights from a file: see `saving.load_weights`.

        Arguments:
            filepath: a file of `save_weights` or `save`.
            skip_mismatch: whether to leave out, with a warning, layers whose weights do not fit.
        """
        from ..saving import load_weights

        load_weights(self, filepath, skip_mismatch, **kwargs)

    def export_script(self, filepath: Any, x: Any = None, embed: bool | None = None) -> None:
        """Write a Python script that predicts, with NumPy alone: see `saving.export_script`.

        Arguments:
            filepath: where to: a name ending in .py.
            x: inputs whose outputs are recorded for the script's check of itself.
            embed: whether the weights are in the script; if not given, if they are small.
        """
        from ..saving.export_script import export_script

        export_script(self, filepath, x, embed)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write the model for an engine of predictions: ONNX, the one format that is supported.

        Arguments:
            filepath: where to: a name ending in .onnx, by custom.
            format: 'onnx'.
            verbose: whether to print where it was written; if not given, it is.
            input_signature: not supported: the inputs are the model's, and any batch is taken.
            **kwargs: `opset_version`, of ONNX's operators.

        Raises:
            NotImplementedError: for another format, and what to do instead.
            ValueError: for a layer that cannot be exported, and unknown arguments.
            ImportError: without the package onnx.
        """
        if format != "onnx":
            raise NotImplementedError(
                f'model.export() to {format!r} is not supported; format="onnx" is. '
                'model.export_script("predict.py") writes a script that predicts with NumPy '
                "alone, and model.save() a .keras file that Keras reads and exports."
            )
        if input_signature is not None:
            raise ValueError(
                "input_signature is not supported: the inputs are those of the model, for batches "
                f"of any size. Received: {input_signature!r}."
            )
        opset_version = kwargs.pop("opset_version", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to export: {kwargs}.")
        from ..saving.export_onnx import export_onnx

        export_onnx(self, filepath, verbose, opset_version)

    def to_json(self, **kwargs: Any) -> str:
        """Return the model's config as JSON, from which `models.model_from_json` makes it again.

        Arguments:
            **kwargs: those of `json.dumps`, such as indent.
        """
        import json

        from ..saving import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        """Return the arguments of `compile`, as configs; {} if it was not called."""
        from ..saving import serialize_keras_object

        return serialize_keras_object(self._compile_config) if self.compiled else {}

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile the model with what `get_compile_config` returned, and build its optimizer.

        A class with a `compile` of its own needs its own `compile_from_config`, too; without one,
        its models are loaded uncompiled, with a warning.
        """
        from ..saving import deserialize_keras_object

        cls = type(self)
        if cls.compile is not Model.compile:
            warnings.warn(
                f"The model {self.name!r} is not compiled, because {cls.__name__} has a compile() "
                "of its own, and no compile_from_config(config).",
                stacklevel=2,
            )
            return
        self.compile(**deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_weights)

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list[str] | tuple[str, str] | None = None,
    ) -> None:
        """Print the layers, their output shapes and their numbers of weights, as Keras does.

        Arguments:
            line_length, positions: the width of the table, and where its columns end.
            print_fn: called once with the text instead of printing it.
            expand_nested: whether to list the layers of nested models.
            show_trainable: whether to say which layers are trained.
            layer_range: two patterns, for the first and last layer to list.
        """
        from ..summary import model_summary

        model_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )


def find_layer(layers: list[Layer], name: str | None, index: int | None) -> Layer:
    """Return a layer by its name or its place; the error says what there is."""
    if name is not None and index is not None:
        raise ValueError("get_layer takes a name or an index, not both.")
    if index is not None:
        if not -len(layers) <= index < len(layers):
            raise ValueError(f"The model has {len(layers)} layers. Received: index={index}.")
        return layers[index]
    if name is None:
        raise ValueError("get_layer needs the name or the index of a layer.")
    found = next((layer for layer in layers if layer.name == name), None)
    if found is None:
        names = [layer.name for layer in layers]
        raise ValueError(
            f"No layer is named {name!r}.{naming.nearest(name, names)} The layers are {names}."
        )
    return found


def _copied(y: Any) -> Any:
    return [part.copy() for part in y] if isinstance(y, list) else y.copy()


def _joined(batches: list[Any]) -> Any:
    """Return the outputs of several batches as one; a list where there are several outputs."""
    if len(batches) == 1:
        return batches[0]
    if isinstance(batches[0], list):
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    return np.concatenate(batches)


def _warn_over(epoch: int, epochs: int) -> None:
    warnings.warn(
        f"The data ran out after {epoch} of {epochs} epochs, and a generator cannot start over, so "
        "training ends here. Give steps_per_epoch and a generator without end, or batches that "
        "can be gone through again, such as a list or a PyDataset.",
        stacklevel=3,
    )


def _warn_not_finite(loss: Any, epoch: int, step: int) -> bool:
    warnings.warn(
        f"The loss became {float(loss)} in epoch {epoch + 1}, step {step + 1}, and the weights "
        "with it. Training goes on, but will not recover: try a smaller learning rate, scale the "
        "data, or look for NaN in it.",
        RuntimeWarning,
        stacklevel=3,
    )
    return True
