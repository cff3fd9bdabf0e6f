"""The layer contract.

A layer is `build` (make the weights), `forward` (x -> y) and `backward` (dy -> dx), written next
to each other. The rules, each checked for every layer by tests/test_contract.py:

1. `forward(x, ctx)` never writes to `x`.
2. `backward(dy, ctx)` owns `dy` and may overwrite it. Only a layer that `takes_broadcast` may get
   one that NumPy broadcast, whose elements share memory.
3. Gradients are assigned, not accumulated: `self.kernel.grad[...] = ...`, so nothing zeroes them.
4. What backward needs lives in `ctx`, never on the layer: a layer may be used twice in a model.
5. A context's buffers live until its next forward; `predict` and `layer(x)` return arrays of
   their own.
6. `backward` returns dx, or None when `ctx.needs_dx` is false and for integer inputs.
7. A layer with several inputs (`takes_several`) is given a list, and returns a list of their
   gradients, arrays of their own; one with several outputs returns a list, and is given a list of
   their gradients, with None for an output that nothing came back from.
8. A mask, (N, T) and false where a sample has no time step, comes beside x as `ctx.in_mask` (a list
   for a list); `compute_mask(x, mask)` returns that of the output.
9. What a call says beside its inputs, such as `use_causal_mask=True`, is in `ctx.options`:
   `call_inputs` takes a call in Keras's form apart, and `call_arguments` puts it together again.

A layer of your own needs none of the buffers:

    class Scale(Layer):
        def build(self, input_shape):
            self.gain = self.add_weight(name="gain", shape=input_shape[-1:], initializer="ones")

        def forward(self, x, ctx):
            ctx.x = x
            return x * self.gain.value

        def backward(self, dy, ctx):
            self.gain.grad[...] = (dy * ctx.x).sum(axis=0)
            return dy * self.gain.value
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from .. import config, constraints, initializers, naming, regularizers, tree
from ..arrays import Array, Shape, as_tensor
from ..context import Context
from ..graph import KerasTensor, Node
from ..parameters import Parameter, unique
from ..saving import limits
from ..strings import STRING, are_strings, numpy_dtype, to_array
from .configs import constructor_config, dtype_config, plain_dtype
from .input_spec import check_specs


class Layer:
    """The base of all layers; the contract stands at the head of this file.

    Arguments:
        activity_regularizer: what the layer's output adds to the loss.
        trainable: whether the optimizer updates the weights.
        dtype: 'float32' (the default) or 'float64': of the weights and the computation.
        autocast: whether float inputs are cast to `dtype`.
        name: unique in a model; made from the class name if not given.
        **kwargs: `input_shape` (without the batch), `batch_input_shape` or `input_dim`, which
            let a Sequential be built at once when this is its first layer; `weights`, a list of
            arrays, what the layer's weights start as (an argument of older Keras).

    Raises:
        ValueError: for any other keyword, or a dtype that is not supported.

    Example:
        >>> class Double(Layer):
        ...     def forward(self, x, ctx):
        ...         return 2 * x
        ...     def backward(self, dy, ctx):
        ...         return 2 * dy
        >>> Double()([1.0, 2.0]).numpy()
        array([2., 4.], dtype=float32)
    """

    input_spec: Any = None
    """An InputSpec, or a list of them, which inputs are checked against."""

    casts_integers = True
    """Whether integer inputs are cast to the layer's float dtype."""

    takes_several = False
    """Whether the layer takes a list of inputs."""

    takes_strings = False
    """Whether inputs may be strings: arrays of bytes objects."""

    supports_masking = False
    """Whether a mask of the input is one of the output, too."""

    makes_mask = False
    """Whether the layer's output may have a mask where its input has none."""

    takes_mask = False
    """Whether `call` has a mask among its arguments in Keras."""

    ends_masks = False
    """Whether the masks of the inputs end with a call: who takes the same inputs later in a model
    finds none, as in Keras after MultiHeadAttention."""

    takes_broadcast = False
    """Whether backward takes a dy that NumPy broadcast, and never writes to it."""

    notes_training = False
    """Whether Keras notes of a call that says nothing that it is not training: it is the default
    of the layer's `call` there."""

    has_build_config = True
    """Whether a config says for which shape the layer was built; where nothing depends on the
    shape, Keras mostly leaves it out."""

    _INSTEAD_OF_CALL: ClassVar[str] = (
        "A scratchnn layer defines forward(x, ctx) and backward(dy, ctx): see the head of "
        "scratchnn/layers/base.py. What is made of other layers needs neither as a Sequential, or "
        "as a keras.Model(inputs, outputs): both are layers, too."
    )

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        layer = super().__new__(cls)
        layer._arguments = args, kwargs  # a class without a get_config of its own is made of them
        return layer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in vars(cls) and "forward" not in vars(cls):
            raise TypeError(
                f"{cls.__name__!r} defines call(), whose gradient nobody knows. "
                + cls._INSTEAD_OF_CALL
            )
        if "build" in vars(cls):
            cls.build = _named_build(cls.build)  # type: ignore[method-assign, assignment]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.batch_input_shape = _take_input_shape(kwargs)
        self._first_weights = kwargs.pop("weights", None)
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}."
                + naming.nearest_argument(next(iter(kwargs)), type(self))
            )
        if name is not None and not isinstance(name, str):
            raise ValueError(f"name must be a string. Received: {name!r}.")
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.dtype = _float_dtype(dtype)
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self._trainable = bool(trainable)
        self._weights: list[Parameter] = []
        self._states: list[Parameter] = []
        self.nodes: list[Node] = []

    def __getstate__(self) -> dict[str, Any]:
        # The calls of a layer lead to other layers, and on: a model remembers its own.
        return {**vars(self), "nodes": []}

    # What a layer of your own defines -----------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs of `input_shape`, with `add_weight`."""

    def forward(self, x: Array, ctx: Context) -> Array:
        """Return the output for `x`, keeping in `ctx` what backward will need."""
        raise NotImplementedError(f"The layer {type(self).__name__!r} must define forward(x, ctx).")

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        """Assign each weight's `grad` and return dx, given dy, the gradient of the output."""
        raise NotImplementedError(
            f"The layer {type(self).__name__!r} must define backward(dy, ctx) to be trained."
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output; found by running `forward` unless a layer defines it."""
        self.ensure_built(input_shape)
        shapes = []
        for size in (2, 3):  # sizes that differ show which axes follow the input's unknown ones
            sizes = [size if d is None else d for d in input_shape]
            limits.check_trial(sizes)
            zeros = np.zeros(sizes, self.dtype)
            with np.errstate(all="ignore"):
                shapes.append(self.forward(zeros, Context(dtype=self.dtype)).shape)
        return tuple(a if a == b else None for a, b in zip(*shapes, strict=True))

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output for an input and its mask; None if there is none."""
        return mask if self.supports_masking else None

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        """Return the dtype of the output for inputs of these."""
        return self.dtype if self.casts(numpy_dtype(dtypes[0])) else dtypes[0]

    def check_dtypes(self, dtypes: Sequence[str]) -> None:
        """Raise a ValueError if inputs of these dtypes cannot go through this layer."""
        if STRING in dtypes and not self.takes_strings:
            raise ValueError(
                f"The layer {self.name!r} expected numbers. Received: an input of dtype 'string'. "
                f"{_HOW_TO_MAKE_NUMBERS}"
            )

    def call_inputs(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        """Take a call apart: return what `forward` is given, and what else was said.

        A layer whose `call` takes more in Keras overrides this with Keras's signature.

        Returns:
            One tensor or array, or a list of them where there are several; and the options: what is
            neither, `training` and `mask` among them. None stands for what was not said.
        """
        if not self.takes_several and not has_symbols(inputs):
            inputs = to_array(inputs)
        return inputs, {"training": training, "mask": mask}

    def call_arguments(
        self, inputs: Any, options: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and keyword arguments of a call, of what `call_inputs` made of it.

        They are what Keras writes down in a functional model's config: of a call that says nothing,
        that there is no mask, if the layer's `call` has one, and that it is not training.
        """
        unsaid: dict[str, Any] = {"mask": None} if self.takes_mask else {}
        if self.notes_training:
            unsaid["training"] = False
        return [inputs], dict(options) or unsaid

    def call_output_shape(self, input_shape: Any, options: Mapping[str, Any]) -> Any:
        """Return the shape of the output of a call with options; a list for several outputs."""
        return self.compute_output_shape(input_shape)

    def activity_penalty(self, ctx: Context) -> Any:
        """Return what activity regularizers within the layer added to the loss in `forward`."""
        return 0

    def check_input(self, shape: Shape) -> None:
        """Raise a ValueError if inputs of `shape` cannot go through this layer."""

    # What a layer is used by --------------------------------------------------------------------

    def ensure_built(self, input_shape: Shape) -> None:
        """Build the layer for `input_shape` unless it is built."""
        if self.input_spec is not None:
            check_specs(self.name, self.input_spec, input_shape)
        self.check_input(input_shape)
        if not self.built:
            self.build(input_shape)
            self.set_first_weights()
            self.built = True
        if self.input_shape is None:
            self.input_shape = input_shape

    def set_first_weights(self) -> None:
        """Set the weights of a layer just built to those that it was made with, if to any."""
        if self._first_weights is not None:
            self.set_weights(self._first_weights)
            self._first_weights = None

    def forget_build(self) -> None:
        """Drop the weights: the layer is as if it had never seen an input's shape."""
        self.built = False
        self.input_shape = self.output_shape = None
        self._weights.clear()
        self._states.clear()
        self.nodes.clear()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for inputs, a batch, as an array of its own.

        Arguments:
            inputs: an array, or anything that NumPy takes for one; the layer is built for it first.
                Or a KerasTensor: what is returned is one then, too, and part of a functional model.
                A layer that takes several takes them in a list.
            training: whether to run as in training (dropout drops). Said in a functional model, it
                counts where the model is called without saying it, as in Keras: `fit`, `evaluate`
                and `predict` do say it.
            mask: the mask of the inputs, (N, T), if they have one.
        """
        inputs, options = self.taken_apart(args, kwargs)
        if has_symbols(inputs):
            return self.connect(inputs, options)
        ctx = Context(options.get("training"), self.dtype)
        ctx.in_mask = options.pop("mask", None)
        ctx.options = options
        if isinstance(inputs, list | tuple):
            given: Any = [self.cast(to_array(part)) for part in inputs]
            self.ensure_built([array.shape for array in given])  # type: ignore[arg-type]
        else:
            given = self.cast(inputs)
            if self.input_spec is not None:
                check_specs(self.name, self.input_spec, given.shape, [given.dtype.name])
            self.ensure_built(given.shape)
        y = self.forward(given, ctx)
        kept = [*tree.flatten(given), *(w.value for w in self.weights)]
        return tree.map_structure(lambda part: as_tensor(own(part, kept)), y)

    def taken_apart(self, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Return the inputs of a call, and those options of it that were given.

        Raises:
            TypeError: for arguments that the layer's call does not take.
        """
        try:
            inputs, options = self.call_inputs(*args, **kwargs)
        except TypeError as error:
            here = error.__traceback__
            if here is not None and here.tb_next is not None:
                raise  # from within
            form = inspect.signature(self.call_inputs)
            names = ", ".join(form.parameters)
            raise TypeError(
                f"The layer {self.name!r} (of type {type(self).__name__}) is called with ({names})."
                f" Received: {len(args)} positional arguments and {sorted(kwargs)}."
            ) from None
        return inputs, {name: value for name, value in options.items() if value is not None}

    def connect(self, inputs: Any, options: Mapping[str, Any] | None = None) -> Any:
        """Note a call on KerasTensors in the graph; return KerasTensors for the outputs.

        Raises:
            ValueError: if there is data among them, or a mask is given.
        """
        options = dict(options or {})
        for tensor in tree.flatten(inputs):
            if not isinstance(tensor, KerasTensor):
                raise ValueError(
                    f"The layer {self.name!r} was called on KerasTensors and data at once. "
                    f"Received: {tensor!r} of type {type(tensor).__name__}."
                )
        if "mask" in options:
            raise ValueError(
                f"The layer {self.name!r} was given a mask in a call on KerasTensors. In a model, "
                "masks come by themselves, of layers such as Masking and Embedding(mask_zero=True)."
            )
        shape = tree.map_structure(lambda tensor: tensor.shape, inputs)
        dtypes = [tensor.dtype for tensor in tree.flatten(inputs)]
        self.check_dtypes(dtypes)
        if self.input_spec is not None:
            check_specs(self.name, self.input_spec, shape, dtypes)
        self.ensure_built(shape)
        shapes: Any = self.call_output_shape(shape, options)
        several = isinstance(shapes, list)
        dtype = self.output_dtype(dtypes)
        outputs = [KerasTensor(part, dtype) for part in (shapes if several else [shapes])]
        self.output_shape = shapes  # of the last call, as Keras's summary shows it
        Node(self, inputs, outputs, several, options)
        return outputs if several else outputs[0]

    @property
    def input(self) -> Any:
        """The KerasTensor, or tensors, that the layer was first called on."""
        return self._first_node("input").arguments

    @property
    def output(self) -> Any:
        """The KerasTensor, or tensors, that it returned then."""
        outputs = self._first_node("output").outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def _first_node(self, what: str) -> Node:
        if not self.nodes:
            raise AttributeError(
                f"The layer {self.name!r} has no {what}, for it was never called on a "
                "KerasTensor: start its model with an Input."
            )
        return self.nodes[0]

    def cast(self, x: Array) -> Array:
        """Return `x` in the layer's dtype, unless it holds integers that the layer wants."""
        if x.dtype.kind not in "fiub":
            strings = are_strings(x)
            if self.takes_strings and (strings or (x.dtype.kind == "O" and not x.size)):
                return x
            raise ValueError(
                f"The layer {self.name!r} expected an array of numbers. "
                f"Received: {'strings' if strings else f'dtype {x.dtype}'}, shape {x.shape}."
                + (f" {_HOW_TO_MAKE_NUMBERS}" if strings else "")
            )
        return x.astype(self.dtype) if x.dtype != self.dtype and self.casts(x.dtype) else x

    def casts(self, dtype: np.dtype[Any]) -> bool:
        """Return whether inputs of another dtype are cast to the layer's own."""
        if dtype.kind == "O":
            return False
        return self.autocast if dtype.kind == "f" else self.casts_integers

    def add_weight(
        self,
        shape: Sequence[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Parameter:
        """Make a weight and return it, as a Parameter with `value` and `grad`.

        Arguments:
            shape: its shape; () if not given.
            initializer: a name or an Initializer; 'glorot_uniform' if not given.
            dtype: the layer's unless given.
            trainable: whether the optimizer updates it.
            regularizer, constraint: names or objects.
            name: such as 'kernel'; the parameter's path is the layer's name and this one.
        """
        initializer = initializers.get(initializer or "glorot_uniform")
        shape, dtype = tuple(shape or ()), dtype or self.dtype
        name = name or naming.auto_name("variable")
        value = limits.placeholder(shape, dtype)
        parameter = Parameter(
            np.asarray(initializer(shape, dtype) if value is None else value, dtype, order="C"),
            name=name,
            path=naming.path(self.name, name),
            trainable=trainable and self._trainable,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        (self._weights if trainable else self._states).append(parameter)
        return parameter

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make a layer like this one, for JSON to hold.

        A layer of your own adds its arguments to `super().get_config()`. If it defines no
        get_config, the arguments that it was made with are returned, if they are plain: numbers,
        strings, None, and lists and dicts of these.

        Raises:
            NotImplementedError: if they are not plain.
        """
        base: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_config(self.dtype),
        }
        if self.activity_regularizer is not None:
            base["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config:
            return constructor_config(self, base)
        return base

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the layer that a config describes, with new weights."""
        return cls(**plain_dtype(config))

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shape that the layer was built for, as {'input_shape': ...}; or None."""
        known = self.built and self.has_build_config and self.input_shape is not None
        return {"input_shape": self.input_shape} if known else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer for the shape that `get_build_config` returned."""
        if config.get("input_shape") is not None:
            self.ensure_built(tuple(config["input_shape"]))

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the layer's own variables into `store`, as arrays, for a file: '0', '1', ..."""
        for i, weight in enumerate(self.own_weights):
            store[str(i)] = weight.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Take them from it again."""
        for i, weight in enumerate(self.own_weights):
            weight.assign(store[str(i)])

    # Weights ------------------------------------------------------------------------------------

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs of a model are cast to, if this layer is its first."""
        return self.dtype

    @property
    def own_weights(self) -> list[Parameter]:
        """The parameters of the layer itself, without those of layers in it."""
        return self._weights + self._states

    @property
    def sublayers(self) -> list[Layer]:
        """The layers that are attributes of this one, alone or in lists and dicts."""
        attributes = [value for name, value in vars(self).items() if name != "_arguments"]
        return list({id(layer): layer for layer in _layers_in(attributes, ())}.values())

    def walk(self) -> Iterator[Layer]:
        """Yield this layer, its sublayers, theirs, and so on."""
        yield self
        for layer in self.sublayers:
            yield from layer.walk()

    @property
    def weights(self) -> list[Parameter]:
        """All parameters: trainable ones first within a layer, layer by layer."""
        inner = [w for layer in self.sublayers for w in layer.weights]
        return unique(self.own_weights + inner)

    @property
    def variables(self) -> list[Parameter]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The parameters that the optimizer updates."""
        return [w for w in self.weights if w.trainable]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """The parameters that it does not."""
        return [w for w in self.weights if not w.trainable]

    @property
    def trainable_variables(self) -> list[Parameter]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Parameter]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether the optimizer updates the weights; setting it reaches all sublayers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for parameter in self._weights:
            parameter.trainable = self._trainable
        for layer in self.sublayers:
            layer.trainable = value

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, in the order of `weights`."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights, in the order of `weights`.

        Raises:
            ValueError: if their number or any shape differs; no weight is changed then.
        """
        own = self.weights
        arrays = [np.asarray(w) for w in weights]
        if len(arrays) != len(own):
            raise ValueError(
                f"set_weights on {self.name!r} expected {len(own)} arrays: "
                f"{[w.path for w in own]}. Received: {len(arrays)}."
            )
        for w, array in zip(own, arrays, strict=True):
            if array.shape != w.shape:
                raise ValueError(
                    f"set_weights on {self.name!r} expected shape {w.shape} for {w.path!r}. "
                    f"Received: {array.shape}."
                )
        for w, array in zip(own, arrays, strict=True):
            w.assign(array)

    def count_params(self) -> int:
        """Return the number of elements in all weights.

        Raises:
            ValueError: if the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"The layer {self.name!r} is not built, so its weights cannot be counted. "
                "Call it on data, or give the model an Input."
            )
        return sum(w.size for w in self.weights)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


_HOW_TO_MAKE_NUMBERS = (
    "Layers such as StringLookup, Hashing and TextVectorization make numbers of strings."
)


def own(y: Array, others: Sequence[Array]) -> Array:
    """Return an array that shares no memory with the others."""
    return y.copy() if any(np.may_share_memory(y, other) for other in others) else y


def check_mask(layer: Layer, found: Shape, wanted: Shape) -> None:
    """Raise a ValueError unless the shape of a mask is (N, T), that of the time steps."""
    if found != wanted:
        raise ValueError(
            f"The layer {layer.name!r} expected a mask of shape {wanted}, with true or false for "
            f"each time step of its input. Received: a mask of shape {found}."
        )


def has_symbols(inputs: Any) -> bool:
    """Return whether there are KerasTensors in what a layer was called on."""
    if isinstance(inputs, np.ndarray):
        return False
    return any(isinstance(tensor, KerasTensor) for tensor in tree.flatten(inputs))


def _named_build(build: Callable[[Any, Shape], None]) -> Callable[[Any, Shape], None]:
    """Let any `build` note that it ran, and name its weights after the layer."""

    @functools.wraps(build)
    def wrapper(self: Layer, input_shape: Shape | None = None, *more: Shape) -> None:
        if more:  # the shapes of several inputs, as Keras's attention layers take them
            input_shape = (input_shape, *more)  # type: ignore[arg-type]
        if input_shape is not None:
            input_shape = tuple(input_shape)
        if type(self).build is not wrapper:  # a part of another build, which calls super().build
            build(self, input_shape)  # type: ignore[arg-type]
            return
        with naming.scope(self.name), undone_on_error(self):
            build(self, input_shape)  # type: ignore[arg-type]
            self.set_first_weights()
        self.built = True
        if input_shape is not None:
            self.input_shape = input_shape

    return wrapper


@contextlib.contextmanager
def undone_on_error(layer: Layer) -> Iterator[None]:
    """Take back the layers built within the `with` block if it ends in an error."""
    fresh = [inner for inner in layer.walk() if not inner.built]
    try:
        yield
    except Exception:
        for inner in fresh:
            inner.forget_build()
        raise


def _layers_in(values: Iterable[Any], within: tuple[int, ...]) -> Iterator[Layer]:
    """Yield the layers among some values, and in the containers among them."""
    for value in values:
        if isinstance(value, Layer):
            yield value
        elif isinstance(value, list | tuple | dict) and id(value) not in within:
            items = value.values() if isinstance(value, dict) else value
            yield from _layers_in(items, (*within, id(value)))


def _take_input_shape(kwargs: dict[str, Any]) -> Shape | None:
    """Take out of the keywords what Keras has for a first layer's input; None if nothing."""
    batch_shape = kwargs.pop("batch_input_shape", None)
    batch_size = kwargs.pop("batch_size", None)
    dim = kwargs.pop("input_dim", None)
    shape = kwargs.pop("input_shape", None if dim is None else (dim,))
    for name, given in (("input_shape", shape), ("batch_input_shape", batch_shape)):
        if isinstance(given, int | float | str):
            raise ValueError(
                f"{name} must be a sequence of sizes, such as (3,). Received: {given!r}."
            )
    if batch_shape is not None:
        return tuple(batch_shape)
    return None if shape is None else (batch_size, *shape)


def _float_dtype(dtype: Any) -> str:
    if dtype is None:
        return config.dtype_policy().name
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in ("float32", "float64"):
        raise ValueError(
            f"A layer's dtype must be 'float32' or 'float64'. Received: {dtype!r}. "
            "Half and mixed precision are not supported: NumPy computes them in software."
        )
    return name
