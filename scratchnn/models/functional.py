"""Functional: layers in a graph, and the same two loops over its calls in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..arrays import Array, Shape
from ..context import Context
from ..graph import Graph, KerasTensor, Node, copy_graph
from ..layers.activity import penalized, to_logits
from ..layers.base import Layer
from ..layers.core import InputLayer
from ..layers.operation import Operation
from ..parameters import Parameter
from ..saving import custom_object_scope
from ..strings import numpy_dtype
from .calls import cast, makes_masks, next_mask
from .graph_config import connected, graph_config
from .model import Model, find_layer

__all__ = ["Functional"]


class Call:
    """A call of the graph, ready to run.

    Attributes:
        layer, ctx: the layer, and the context of this call of it.
        takes, gives: where its inputs and outputs lie among the graph's arrays: a number where the
            layer takes or returns one array, a list of numbers where it takes or returns a list.
        assigned, added: the layer's trained weights: those whose gradient this call is the first
            to find, and those that later calls use as well, whose gradients add up.
    """

    def __init__(self, layer: Any, ctx: Context, takes: Any, gives: Any) -> None:
        self.layer = layer
        self.ctx = ctx
        self.takes = takes
        self.gives = gives
        self.assigned: list[Parameter] = []
        self.added: list[Parameter] = []


class _Places:
    """A structure of tensors, each as the numbers of its node and of itself among the outputs."""

    def __init__(self, structure: Any, place: Callable[[KerasTensor], tuple[int, int]]) -> None:
        self._places = [place(tensor) for tensor in tree.flatten(structure)]
        self._form = tree.map_structure(lambda _: 0, structure)

    def structure(self, nodes: list[Node]) -> Any:
        """Return the structure, of the tensors of these nodes."""
        tensors = [nodes[node].outputs[index] for node, index in self._places]
        return tree.pack_sequence_as(self._form, tensors)


class Functional(Model):
    """A model of layers called on one another's outputs; `Model(inputs, outputs)` makes it.

    A layer called several times shares its weights; the model may have several inputs and outputs,
    in lists, tuples or dicts.

    Arguments:
        inputs: KerasTensors from `Input`; or from layers, to begin the model there.
        outputs: KerasTensors.
        name: the model's name.
        trainable: whether the weights are trained.

    Raises:
        ValueError: for anything but KerasTensors, and outputs that the inputs do not lead to.

    Example:
        >>> from scratchnn.layers import Dense, Input
        >>> x = Input((4,))
        >>> model = Functional(x, Dense(1)(Dense(3)(x)))
        >>> model.output_shape, model.count_params()
        ((None, 1), 19)
    """

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True
    ) -> None:
        for argument, structure in (("inputs", inputs), ("outputs", outputs)):
            for tensor in tree.flatten(structure):
                if not isinstance(tensor, KerasTensor):
                    raise ValueError(
                        f"The {argument} of a model must be KerasTensors, which Input returns, and "
                        f"layers that are called on them. Received: a {type(tensor).__name__}."
                    )
        super().__init__(name=name)
        if not all(isinstance(tensor.layer, InputLayer) for tensor in tree.flatten(inputs)):
            inputs, outputs = copy_graph(inputs, outputs)
        self._input_structure, self._output_structure = inputs, outputs
        self.inputs: list[KerasTensor] = tree.flatten(inputs)
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        self._graph = Graph(self.inputs, self.outputs)
        self._layers = self._graph.layers
        self._makes_masks = makes_masks(self._layers)
        self.input_names = [tensor.layer.name for tensor in self.inputs]
        self.output_names = [tensor.layer.name for tensor in self.outputs]
        self.input_shape = _single([tensor.shape for tensor in self.inputs])
        self.output_shape = _single([tensor.shape for tensor in self.outputs])
        self.built = True
        if not trainable:
            self.trainable = False

    def __getstate__(self) -> dict[str, Any]:
        """Describe the graph by numbers: what leads from node to node is as deep as the model."""
        state = super().__getstate__()
        numbers = {node: i for i, node in enumerate(self._graph.nodes)}

        def place(tensor: KerasTensor) -> tuple[int, int]:
            return numbers[tensor.node], tensor.index

        state["_graph"] = [
            (
                node.layer,
                None if node.arguments is None else _Places(node.arguments, place),
                [(tensor.shape, tensor.dtype, tensor.name) for tensor in node.outputs],
                node.gives_list,
                node.options,
            )
            for node in self._graph.nodes
        ]
        for name in ("_input_structure", "_output_structure"):
            state[name] = _Places(state[name], place)
        return {k: v for k, v in state.items() if k not in ("inputs", "outputs")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        nodes: list[Node] = []
        for layer, places, outputs, *rest in state["_graph"]:
            arguments = None if places is None else places.structure(nodes)
            nodes.append(Node(layer, arguments, [KerasTensor(*o) for o in outputs], *rest))
        vars(self).update(state)
        self._input_structure = state["_input_structure"].structure(nodes)
        self._output_structure = state["_output_structure"].structure(nodes)
        self.inputs = tree.flatten(self._input_structure)
        self.outputs = tree.flatten(self._output_structure)
        self._graph = Graph(self.inputs, self.outputs)

    @property
    def layers(self) -> list[Layer]:
        """The layers, the inputs included, in Keras's order; without the operations."""
        return [layer for layer in self._layers if not isinstance(layer, Operation)]

    @property
    def operations(self) -> list[Layer]:
        """The layers, and in their places the operations, such as that of x + y."""
        return list(self._layers)

    @property
    def sublayers(self) -> list[Layer]:
        return self._layers

    @property
    def calls(self) -> list[Node]:
        """The calls of the layers, each after those whose outputs it takes, without the inputs."""
        return [node for node in self._graph.nodes if node.inputs]

    def connections(self, layer: Layer) -> list[str]:
        """Return where a layer's inputs come from, for `summary`: ['dense[0][0]', ...]."""
        return [
            f"{tensor.layer.name}[{tensor.node.number}][{tensor.index}]"
            for node in self._graph.nodes
            if node.layer is layer
            for tensor in node.inputs
        ]

    @property
    def input(self) -> Any:
        """The KerasTensors that the model begins with, as they were given."""
        return self._input_structure

    @property
    def output(self) -> Any:
        """The KerasTensors that it ends with, as they were given."""
        return self._output_structure

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place.

        Raises:
            ValueError: if there is no such layer.
        """
        return find_layer(self.layers, name, index)

    @property
    def output_keys(self) -> list[str]:
        if len(self.outputs) == 1:
            return []
        if isinstance(self._output_structure, Mapping):
            return sorted(self._output_structure)
        return self.output_names

    def as_output(self, y: Any) -> Any:
        structure = self._output_structure
        if isinstance(structure, KerasTensor) or not isinstance(structure, Mapping | list | tuple):
            return y
        if len(self.outputs) == 1 and not isinstance(structure, Mapping):
            return y
        return tree.pack_sequence_as(structure, y if isinstance(y, list) else [y])

    # Configs ------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        return graph_config(self, self._graph.nodes)

    def get_build_config(self) -> dict[str, Any]:
        return {"input_shape": None}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Functional:
        """Return the model that a config describes, with new weights.

        Arguments:
            config: what `get_config` returned.
            custom_objects: {name: class or function}, your own in it.

        Raises:
            ValueError: if it is malformed.
        """
        with custom_object_scope(custom_objects):
            inputs, outputs = connected(config)
        model = cls(inputs, outputs, name=config.get("name"))
        model._trainable = bool(config.get("trainable", True))
        return model

    # Shapes and data ----------------------------------------------------------------------------

    @property
    def takes_several(self) -> bool:  # type: ignore[override]
        return len(self.inputs) > 1

    @property
    def input_dtypes(self) -> list[str]:
        return [tensor.dtype for tensor in self.inputs]

    def output_dtype(self, dtypes: Sequence[str]) -> str:
        return self.outputs[0].dtype

    def build(self, input_shape: Any = None) -> None:
        """Do nothing: a functional model is built when it is made."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = {id(t): s for t, s in zip(self.inputs, _shapes_of(input_shape), strict=True)}

        def shape_of(tensor: KerasTensor) -> Shape:
            return shapes[id(tensor)]

        for node in self._graph.nodes:
            if node.inputs:
                given = tree.map_structure(shape_of, node.arguments)
                found = node.layer.call_output_shape(given, node.options)
                outputs = found if isinstance(found, list) else [found]
                shapes |= {id(t): s for t, s in zip(node.outputs, outputs, strict=True)}
        return _single([shapes[id(tensor)] for tensor in self.outputs])

    def check_input(self, shape: Any) -> None:
        shapes = _shapes_of(shape)
        if len(shapes) != len(self.inputs):
            raise ValueError(
                f"The model {self.name!r} expected {len(self.inputs)} inputs, {self.input_names}. "
                f"Received: {len(shapes)}."
            )
        for given, tensor, name in zip(shapes, self.inputs, self.input_names, strict=True):
            if len(given) != tensor.ndim or any(
                size != wanted
                for size, wanted in zip(given[1:], tensor.shape[1:], strict=True)
                if size is not None and wanted is not None
            ):
                raise ValueError(
                    f"The model {self.name!r} expected for its input {name!r} the shape "
                    f"({', '.join(['N', *map(str, tensor.shape[1:])])}). Received: {given}."
                )

    def fit_input(self, x: Any) -> Any:
        arrays = self.as_list(x)
        fitted = []
        for array, tensor in zip(arrays, self.inputs, strict=True):
            if array.ndim == tensor.ndim - 1 and tensor.shape[-1] == 1:
                array = array[..., np.newaxis]
            elif array.ndim == tensor.ndim + 1 and array.shape[-1] == 1:
                array = array[..., 0]
            fitted.append(array)
        self.check_input([array.shape for array in fitted])
        return _single(fitted)

    def as_list(self, x: Any) -> list[Any]:
        """Return data for several inputs, a list or a dict by their names, in their order.

        Raises:
            ValueError: if an input is missing, or there is one too many.
        """
        structure = self._input_structure
        if isinstance(x, Mapping) and not isinstance(structure, Mapping):
            return self._of_keys(x, self.input_names)
        if isinstance(x, Mapping) or _is_nested_alike(x, structure):
            return self._of_structure(x, structure)
        arrays = list(x) if len(self.inputs) > 1 and isinstance(x, list | tuple) else [x]
        if len(arrays) != len(self.inputs):
            raise ValueError(
                f"The model {self.name!r} expected data for {len(self.inputs)} inputs, "
                f"{self.input_names}. Received: {len(arrays)}."
            )
        return arrays

    def _of_keys(self, x: Any, keys: Sequence[str]) -> list[Any]:
        """Return the values of a dict in the order of the keys."""
        missing = [key for key in keys if not isinstance(x, Mapping) or key not in x]
        if missing:
            found = sorted(x) if isinstance(x, Mapping) else f"a {type(x).__name__}"
            raise ValueError(
                f"The model {self.name!r} expected data for its inputs {keys}. Received: "
                f"{found}, without {missing}."
            )
        return [x[key] for key in keys]

    def _of_structure(self, x: Any, structure: Any) -> list[Any]:
        """Return the data for each tensor of a structure, such as {"pair": [a, b]}, flat."""
        if isinstance(structure, KerasTensor):
            return [x]
        if isinstance(structure, Mapping):
            keys = sorted(structure)
            parts, data = [structure[key] for key in keys], self._of_keys(x, keys)
        else:
            parts, data = list(structure), list(x) if isinstance(x, list | tuple) else [x]
            if len(data) != len(parts):
                raise ValueError(
                    f"The model {self.name!r} expected data for {len(parts)} inputs in a list. "
                    f"Received: a {type(x).__name__} of {len(data)}."
                )
        pairs = zip(data, parts, strict=True)
        return [array for one, part in pairs for array in self._of_structure(one, part)]

    # The two loops ------------------------------------------------------------------------------

    def forward(self, x: Any, ctx: Context) -> Any:
        """Run the layers, each call after those whose outputs it takes."""
        calls = self._calls(ctx)
        arrays: list[Any] = ctx.arrays
        masks: list[Any] = ctx.masks
        live: list[Any] = ctx.live_masks
        given = x if self.takes_several else [x]
        for place, tensor, array in zip(ctx.inputs, self.inputs, given, strict=True):
            arrays[place] = cast(array, numpy_dtype(tensor.dtype), ctx, tensor.name)
        if ctx.masked:
            for kept in (masks, live):
                _place(kept, ctx.inputs, ctx.in_mask if self.takes_several else [ctx.in_mask])
        for call in calls:
            layer, inner, takes = call.layer, call.ctx, call.takes
            if type(takes) is int:
                taken = arrays[takes]
                if taken.dtype != inner.dtype and layer.casts(taken.dtype):
                    taken = cast(taken, inner.dtype, inner)
            else:
                taken = [arrays[place] for place in takes]
            if ctx.masked:
                inner.in_mask = _taken(masks if layer.takes_mask else live, takes)
            given = layer.forward(taken, inner)
            _place(arrays, call.gives, given)
            if ctx.masked:
                mask = next_mask(layer, taken, inner.in_mask, inner)
                _place_mask(live, call.gives, mask)
                if live is not masks:
                    if not layer.takes_mask and "out_mask" not in vars(inner):
                        mask = layer.compute_mask(taken, _taken(masks, takes))
                    _place_mask(masks, call.gives, mask)
                    if layer.ends_masks:
                        _place(live, takes, None)
        self._note_outputs(ctx)
        return _single([arrays[place] for place in ctx.outputs])

    def backward(self, dy: Any, ctx: Context) -> Any:
        """Run the layers' backward passes in reverse; gradients that meet in an array add up."""
        calls = self._calls(ctx)
        grads: list[Any] = [None] * len(ctx.arrays)
        fused: dict[int, Array] = {}  # gradients of the logits behind an array
        given = dy if len(ctx.outputs) > 1 else [dy]
        for part, place, output in zip(given, ctx.sources, ctx.heads, strict=True):
            into = fused if output.fused else grads
            if part is not None:
                into[place] = part if _at(into, place) is None else into[place] + part
        for call in reversed(calls):
            inner, gives = call.ctx, call.gives
            if inner.idle:
                continue
            back: Any = grads[gives] if type(gives) is int else [grads[p] for p in gives]
            inner.fused = type(gives) is int and gives in fused
            if inner.fused:
                logits = fused[gives]
                back = logits if back is None else logits + to_logits(call.layer, back, inner)
            elif back is None or (type(gives) is not int and all(part is None for part in back)):
                for parameter in call.assigned:  # no loss depends on this call
                    parameter.grad.fill(0)
                    parameter.make_dense()
                continue
            back = _in_dtype(back, inner.dtype)
            before = [(parameter.grad.copy(), parameter.occurrences) for parameter in call.added]
            taken = call.layer.backward(back, inner)
            for parameter, gradient in zip(call.added, before, strict=True):
                parameter.add_gradient(*gradient)
            if taken is None:
                continue
            one = type(call.takes) is int
            for place, part in zip(
                [call.takes] if one else call.takes, [taken] if one else taken, strict=True
            ):
                if part is not None:
                    grads[place] = part if grads[place] is None else grads[place] + part
        return _single([grads[place] for place in ctx.inputs]) if ctx.needs_dx else None

    def _calls(self, ctx: Context) -> list[Call]:
        """Return the calls in order, made at the first use of `ctx`."""
        calls: list[Call] | None = vars(ctx).get("calls")
        if calls is None:
            calls = ctx.calls = self._plan(ctx)
        return calls

    def _plan(self, ctx: Context) -> list[Call]:
        places: dict[int, int] = {}  # of the tensors, by their ids
        for node in self._graph.nodes:
            for tensor in node.outputs:
                places[id(tensor)] = len(places)
        ctx.inputs = [places[id(tensor)] for tensor in self.inputs]
        ctx.outputs = [places[id(tensor)] for tensor in self.outputs]
        ctx.arrays, ctx.masks = [None] * len(places), [None] * len(places)
        # Keras hands a mask to the layers whose `call` takes one when the model is made. To others
        # it comes with the array, when the model runs, and there attention ends it.
        ends = any(layer.ends_masks for layer in self._layers)
        ctx.live_masks = [None] * len(places) if ends else ctx.masks
        ctx.masked = self._makes_masks or ctx.in_mask is not None
        ctx.heads = [ctx] if len(self.outputs) == 1 else [Context() for _ in self.outputs]
        depends = [False] * len(places)  # whether an array depends on what is trained
        for place in ctx.inputs:
            depends[place] = ctx.needs_dx
        nodes = [node for node in self._graph.nodes if node.inputs]
        calls = [self._call(node, places, depends, ctx) for node in nodes]
        seen: set[int] = set()
        for call, node in zip(reversed(calls), reversed(nodes), strict=True):
            weights = node.layer.trainable_weights
            call.added = [weight for weight in weights if id(weight) in seen]
            call.assigned = [weight for weight in weights if id(weight) not in seen]
            seen |= {id(weight) for weight in weights}
        return calls

    def _call(
        self, node: Node, places: dict[int, int], depends: list[bool], outer: Context
    ) -> Call:
        layer = node.layer
        takes = [places[id(tensor)] for tensor in node.inputs]
        gives = [places[id(tensor)] for tensor in node.outputs]
        said = node.options.get("training") if outer.mode is None else outer.mode
        inner = Context(said, layer.dtype)
        inner.options = node.options
        inner.needs_dx = any(depends[place] for place in takes)
        trains = not outer.training or bool(layer.trainable_weights)
        inner.idle = not (inner.needs_dx or trains)
        for place in gives:
            depends[place] = not inner.idle
        one = isinstance(node.arguments, KerasTensor)
        inner.may_broadcast = one and node.arguments.layer.takes_broadcast
        return Call(
            penalized(layer),
            inner,
            takes[0] if one else takes,
            gives if node.gives_list else gives[0],
        )

    def _note_outputs(self, ctx: Context) -> None:
        """Find the logits behind the outputs, past layers that changed nothing, for the losses."""
        makers = {call.gives: call for call in ctx.calls if type(call.gives) is int}
        ctx.sources = []
        for place, head in zip(ctx.outputs, ctx.heads, strict=True):
            maker = makers.get(place)
            while (
                maker is not None
                and type(maker.takes) is int
                and ctx.arrays[place] is ctx.arrays[maker.takes]
            ):
                place = maker.takes
                maker = makers.get(place)
            ctx.sources.append(place)
            head.logits = None if maker is None else maker.ctx.logits
            head.out_mask = ctx.live_masks[place]
        ctx.out_mask = _single([head.out_mask for head in ctx.heads])

    def activity_penalty(self, ctx: Context) -> Any:
        return sum(call.layer.activity_penalty(call.ctx) for call in self._calls(ctx))


def _single(values: list[Any]) -> Any:
    """Return the value of a list of one, and any other list itself."""
    return values[0] if len(values) == 1 else values


def _in_dtype(dy: Any, dtype: np.dtype[Any]) -> Any:
    """Return gradients in a dtype: a layer of the user's own may have computed in another."""
    if isinstance(dy, list):
        return [None if part is None else _in_dtype(part, dtype) for part in dy]
    return dy if dy.dtype == dtype else dy.astype(dtype)


def _at(values: Any, place: int) -> Any:
    return values.get(place) if isinstance(values, dict) else values[place]


def _taken(values: list[Any], places: Any) -> Any:
    """Return the values of what a call takes."""
    return values[places] if type(places) is int else [values[place] for place in places]


def _place_mask(masks: list[Any], places: Any, mask: Any) -> None:
    """Put the mask of what a call gives; a single one is that of the first output."""
    if type(places) is not int and not isinstance(mask, list):
        mask = [mask, *[None] * (len(places) - 1)]
    _place(masks, places, mask)


def _place(values: list[Any], places: Any, given: Any) -> None:
    """Put what a call gives where its outputs lie."""
    if type(places) is int:
        values[places] = given
    else:
        for place, value in zip(places, given or [None] * len(places), strict=True):
            values[place] = value


def _is_nested_alike(x: Any, structure: Any) -> bool:
    """Return whether a model's inputs are lists of more than tensors, and data comes as they do."""
    if isinstance(structure, KerasTensor | Mapping) or not isinstance(x, list | tuple):
        return False
    nested = any(not isinstance(part, KerasTensor) for part in structure)
    return nested and len(x) == len(structure)


def _shapes_of(shape: Any) -> list[Shape]:
    return list(shape) if isinstance(shape, list) else [shape]
