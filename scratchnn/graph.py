"""The graph of a functional model: which layer was called on what, and in which order to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import naming, tree
from .arrays import Shape

if TYPE_CHECKING:
    from .layers.base import Layer


class KerasTensor:
    """A symbol for data that is not there yet: what `Input` and a layer called on one return.

    Arguments:
        shape: (None, ...).
        dtype: the dtype of the data.
        name: made up if not given.

    Attributes:
        shape: (None, ...), the batch size first.
        dtype: the dtype of the data.
        node: the call that makes it; `index` says which of the call's outputs it is.

    Example:
        >>> KerasTensor((None, 3), "float32", name="x")
        <KerasTensor shape=(None, 3), dtype=float32, name=x>
    """

    node: Node
    index: int

    def __init__(self, shape: Shape, dtype: str, name: str | None = None) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name or naming.auto_name("keras_tensor")

    @property
    def ndim(self) -> int:
        """The number of axes, that of the batch included."""
        return len(self.shape)

    @property
    def layer(self) -> Layer:
        """The layer that makes it."""
        return self.node.layer

    # Arithmetic is that of keras.ops, noted in the model as an operation.

    def __add__(self, other: Any) -> Any:
        return _operation("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _operation("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _operation("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _operation("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _operation("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _operation("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _operation("true_divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _operation("true_divide", other, self)

    def __pow__(self, other: Any) -> Any:
        return _operation("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _operation("power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return _operation("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _operation("matmul", other, self)

    def __neg__(self) -> Any:
        return _operation("negative", self)

    def __abs__(self) -> Any:
        return _operation("absolute", self)

    def __getitem__(self, key: Any) -> Any:
        return _operation("get_item", self, key)

    __array_ufunc__ = None  # an array to the left leaves it to the tensor
    __iter__ = None  # what has __getitem__ could be gone through for ever

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"The KerasTensor {self.name!r} stands for data that is not there yet, and is no "
            "array. Call layers or functions of scratchnn.ops on it, or use x + y and the like."
        )

    def __bool__(self) -> bool:
        raise TypeError(
            f"The KerasTensor {self.name!r} stands for data that is not there yet, and is neither "
            "true nor false."
        )

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def _operation(function: str, *args: Any) -> Any:
    from .layers.operation import symbolic  # layers are made of what is in this file

    return symbolic(function, args, {})


class Node:
    """One call of a layer: it, what it was called on, and what came out.

    Attributes:
        layer: the layer; `number` says which of its calls this is.
        arguments: what it was called on, as it was given: a tensor, or a structure of tensors.
        inputs: the tensors in that, flat; none for an InputLayer.
        outputs: the tensors it returned; `gives_list` says whether in a list.
        options: what else the call said, such as {"training": False}.
    """

    def __init__(
        self,
        layer: Layer,
        arguments: Any,
        outputs: Sequence[KerasTensor],
        gives_list: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.layer = layer
        self.arguments = arguments
        self.inputs: list[KerasTensor] = [] if arguments is None else tree.flatten(arguments)
        self.outputs = list(outputs)
        for index, tensor in enumerate(outputs):
            tensor.node, tensor.index = self, index
        self.gives_list = gives_list
        self.options = dict(options or {})
        self.number = len(layer.nodes)
        layer.nodes.append(self)

    def __repr__(self) -> str:
        return f"<Node {self.number} of {self.layer.name}>"


class Graph:
    """The calls that lead from inputs to outputs.

    Arguments:
        inputs, outputs: tensors, flat.

    Attributes:
        nodes: the calls, each after those whose outputs it takes.
        layers: their layers in Keras's order: those farthest from the outputs first.

    Raises:
        ValueError: if an output depends on another input, or two layers share a name.
    """

    def __init__(self, inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]) -> None:
        self._given = {id(tensor) for tensor in inputs}
        self._met: dict[Layer, int] = {}  # the order in which layers were come across
        self.nodes = self._sort_nodes(outputs)
        self.layers = self._sort_layers(inputs)
        # Those farthest from the outputs first, as Keras runs them.
        self.nodes.sort(key=lambda node: -self._depths.get(node, 0))
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    "All layers of a model must have unique names. Received: "
                    f"{names.count(name)} layers named {name!r}."
                )

    def _sort_nodes(self, outputs: Sequence[KerasTensor]) -> list[Node]:
        """Return the calls that make the tensors, each after those it needs.

        It goes back from each output, depth first. A chain of layers may be longer than Python's
        stack, so there is a stack here.
        """
        found: dict[Node, None] = {}
        for output in outputs:
            stack = [(output, False)]
            while stack:
                tensor, ready = stack.pop()
                node = tensor.node
                if node in found:
                    continue
                if ready:
                    found[node] = None
                    continue
                if not node.inputs and id(tensor) not in self._given:
                    raise _not_among_inputs(tensor)
                self._met.setdefault(node.layer, len(self._met))
                stack.append((tensor, True))
                stack += [(needed, False) for needed in reversed(node.inputs)]
        return list(found)

    def _sort_layers(self, inputs: Sequence[KerasTensor]) -> list[Layer]:
        """Order the layers by depth, the longest way to an output, as Keras does."""
        layer_depths: dict[Layer, int] = {}
        depths: dict[Node, int] = {}
        self._depths = depths
        for node in reversed(self.nodes):
            depth = max(depths.get(node, 0), layer_depths.get(node.layer, 0))
            depths[node] = layer_depths[node.layer] = depth
            for needed in node.inputs:
                depths[needed.node] = max(depths.get(needed.node, 0), depth + 1)
        for tensor in inputs:
            if tensor.layer not in layer_depths:  # an input that no output needs
                layer_depths[tensor.layer], self._met[tensor.layer] = 0, -1
                self.nodes.insert(0, tensor.node)
        return sorted(layer_depths, key=lambda layer: (-layer_depths[layer], self._met[layer]))


def _not_among_inputs(tensor: KerasTensor) -> ValueError:
    return ValueError(
        f"The outputs depend on the input {tensor.layer.name!r}, which is not among the inputs of "
        "the model. Add it to them."
    )


def copy_graph(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Call the layers between two structures of tensors again, on new inputs.

    This is how a model may begin at the output of a layer: that becomes an input of its own.
    """
    from .layers.core import Input, InputLayer

    copies: dict[int, KerasTensor] = {}
    for tensor in tree.flatten(inputs):
        if isinstance(tensor.layer, InputLayer):
            copies[id(tensor)] = tensor
        else:
            name = f"{tensor.name}CLONE"  # Keras's own name for it
            copies[id(tensor)] = Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)

    def copied(structure: Any) -> Any:
        return tree.map_structure(lambda tensor: copies[id(tensor)], structure)

    stack = [(tensor, False) for tensor in reversed(tree.flatten(outputs))]
    while stack:
        tensor, ready = stack.pop()
        if id(tensor) in copies:
            continue
        node = tensor.node
        if ready:
            arguments = copied(node.arguments)
            results = tree.flatten(node.layer.connect(arguments, node.options))
            copies |= {id(old): new for old, new in zip(node.outputs, results, strict=True)}
            continue
        if not node.inputs:
            raise _not_among_inputs(tensor)
        stack.append((tensor, True))
        stack += [(needed, False) for needed in reversed(node.inputs)]

    return copied(inputs), copied(outputs)
