"""Initializers: what a weight holds before training.

An initializer is called with a shape and a dtype. A random one takes its seed when it is made, from
Python's `random` module if none is given, and returns the same numbers at every call. The numbers
are those of Keras for the same seed (see random/ for the fine print).

A kernel's fan-in is the number of inputs that one output sums over, its fan-out the number of
outputs that one input takes part in: D and U for a dense kernel (D, U), and H W C_in and H W C_out
for a convolution's (H, W, C_in, C_out).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from . import config, random
from .arrays import Array, Tensor, as_tensor
from .lookup import Lookup
from .random import SeedGenerator
from .refusals import refuse


class Initializer:
    """The base of all initializers. Your own defines `__call__(shape, dtype=None)`.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,), "float32")
        array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Array:
        """Return an array of `shape` and `dtype` (None for `config.floatx()`)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype=None).")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the initializer that `get_config` describes."""
        return cls(**config)

    def clone(self) -> Self:
        """Return another initializer with the same arguments; if unseeded, with a new seed."""
        return self.from_config(self.get_config())


InitializerLike: TypeAlias = Initializer | Callable[..., Any]


# Constants ----------------------------------------------------------------------------------------


class Constant(Initializer):
    """Every element is `value`.

    Arguments:
        value: a number, or an array that broadcasts to the shape asked for.

    Example:
        >>> Constant(3.0)((2,)).numpy()
        array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        return as_tensor(np.full(random.checked_shape(shape), self.value, _numeric(dtype)))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Zeros(Initializer):
    """Every element is 0.

    Example:
        >>> Zeros()((2,)).numpy()
        array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        return as_tensor(np.zeros(random.checked_shape(shape), _numeric(dtype)))


class Ones(Initializer):
    """Every element is 1.

    Example:
        >>> Ones()((2,)).numpy()
        array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        return as_tensor(np.ones(random.checked_shape(shape), _numeric(dtype)))


class Identity(Initializer):
    """The identity matrix times `gain`; a matrix that is not square is padded with zeros.

    Raises:
        ValueError: when called with a shape that is not of rank 2.

    Example:
        >>> Identity(2.0)((2, 3)).numpy()
        array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices only, of rank 2. Received: shape={shape}.")
        kind = _numeric(dtype)
        return as_tensor(np.eye(*random.checked_shape(shape), dtype=kind) * kind.type(self.gain))

    def get_config(self) -> dict[str, Any]:
        # Keras leaves the gain out, and so loses any other than this one.
        return {} if self.gain == 1 else {"gain": self.gain}


def _numeric(dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    try:
        kind = np.dtype(config.floatx() if dtype is None else dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in "biuf":
        raise ValueError(f"Expected a real or boolean dtype for a weight. Received: {dtype!r}.")
    return kind


# Random numbers -----------------------------------------------------------------------------------


class RandomInitializer(Initializer):
    """The base of the random initializers: an initializer with a seed.

    Arguments:
        seed: an integer; None for one drawn now, from Python's `random` module; or a
            SeedGenerator, for other numbers at every call.

    Raises:
        ValueError: if `seed` is none of these.

    Example:
        >>> isinstance(HeNormal(), RandomInitializer)
        True
    """

    def __init__(self, seed: Any = None) -> None:
        self._initial_seed = seed
        if seed is None:
            seed = random.make_seed()
        elif isinstance(seed, dict):  # a SeedGenerator, from a saved config
            seed = SeedGenerator.from_config(seed["config"])
        elif not (isinstance(seed, SeedGenerator) or random.is_integer(seed)):
            raise ValueError(
                f"`seed` must be an integer, a SeedGenerator or None. Received: seed={seed!r}."
            )
        self.seed: int | SeedGenerator = seed

    def get_config(self) -> dict[str, Any]:
        from .saving import serialize_keras_object

        return {"seed": serialize_keras_object(self._initial_seed)}


class RandomNormal(RandomInitializer):
    """Normal numbers.

    Arguments:
        mean: mean of the distribution.
        stddev: its standard deviation.
        seed: an integer, a SeedGenerator, or None for a seed drawn now.

    Example:
        >>> RandomNormal(seed=1)((100, 50)).shape
        (100, 50)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal numbers no further than two `stddev` from `mean`.

    Arguments:
        mean: mean of the distribution.
        stddev: its standard deviation before the truncation.
        seed: an integer, a SeedGenerator, or None for a seed drawn now.

    Example:
        >>> TruncatedNormal(seed=1)((100, 50)).shape
        (100, 50)
    """

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class RandomUniform(RandomInitializer):
    """Uniform numbers in [minval, maxval).

    Arguments:
        minval: lower bound.
        maxval: upper bound.
        seed: an integer, a SeedGenerator, or None for a seed drawn now.

    Example:
        >>> RandomUniform(seed=7)((2,)).numpy()
        array([0.02470788, 0.01721802], dtype=float32)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class Orthogonal(RandomInitializer):
    """An orthogonal matrix times `gain`: orthonormal columns, or rows if there are fewer of them.

    The Q of a QR decomposition of normal numbers, its signs fixed by the diagonal of R. A shape
    of more than two dimensions is that of a matrix whose rows are all axes but the last. Equal to
    Keras's within 1e-6, as QR routines round differently.

    Arguments:
        gain: factor.
        seed: an integer, a SeedGenerator, or None for a seed drawn now.

    Raises:
        ValueError: when called with a shape of rank 0 or 1.

    Example:
        >>> q = Orthogonal(seed=1)((3, 3))
        >>> bool(np.allclose(q @ q.T, np.eye(3), atol=1e-6))
        True

    Reference:
        Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", ICLR 2014.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        shape = random.checked_shape(shape)
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal needs a shape of rank 2 or more. Received: shape={shape}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = max(rows, columns), min(rows, columns)
        z = random.normal(tall, dtype=dtype, seed=self.seed).numpy()
        q, r = np.linalg.qr(z.astype(np.float32))
        q *= np.sign(np.diagonal(r))
        matrix = q.T if rows < columns else q
        return as_tensor((np.float32(self.gain) * matrix).reshape(shape).astype(z.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


# Random numbers whose spread follows from the shape -----------------------------------------------


class VarianceScaling(RandomInitializer):
    """Random numbers of variance scale / n, so that signals keep their size from layer to layer.

    n is the fan-in, the fan-out or their mean. uniform: in [-sqrt(3 scale / n), +that);
    truncated_normal: cut at two standard deviations, which are widened to keep the variance.

    Arguments:
        scale: factor of the variance, positive.
        mode: 'fan_in', 'fan_out' or 'fan_avg'.
        distribution: 'truncated_normal' (or 'normal'), 'untruncated_normal' or 'uniform'.
        seed: an integer, a SeedGenerator, or None for a seed drawn now.
        input_axes, output_axes: for a kernel laid out otherwise, the axes whose sizes multiply to
            the fans; used if both are given.

    Raises:
        ValueError: if scale, mode, distribution or seed is none of these.

    Example:
        >>> VarianceScaling(2.0, "fan_in", "uniform", seed=7)((4, 3)).shape
        (4, 3)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if scale <= 0:
            raise ValueError(f"`scale` must be positive. Received: scale={scale}.")
        modes = ("fan_in", "fan_out", "fan_avg")
        if mode not in modes:
            raise ValueError(f"`mode` must be one of {modes}. Received: mode={mode!r}.")
        kinds = ("uniform", "truncated_normal", "untruncated_normal")
        kind = "truncated_normal" if distribution.lower() == "normal" else distribution.lower()
        if kind not in kinds:
            raise ValueError(
                f"`distribution` must be one of {kinds}. Received: distribution={distribution!r}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = kind
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        shape = random.checked_shape(shape)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self.seed)
        # The standard deviation of a standard normal that is cut at -2 and 2.
        return random.truncated_normal(shape, 0.0, stddev / 0.87962566103423978, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Return the fan-in and the fan-out of a kernel.

    Example:
        >>> compute_fans((784, 128)), compute_fans((3, 3, 2, 8))
        ((784, 128), (18, 72))
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


class _Preset(VarianceScaling):
    """A VarianceScaling whose scale, mode and distribution come with the class."""

    _scale: float
    _mode: str
    _distribution: str

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        preset = self._scale, self._mode, self._distribution
        super().__init__(*preset, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Preset):
    """Uniform numbers in [-limit, limit), limit = sqrt(6 / (fan_in + fan_out)): Keras's default.

    Arguments: as VarianceScaling's.

    Example:
        >>> GlorotUniform(seed=7)((4, 3))[0].numpy()
        array([ 0.45750105,  0.3188157 , -0.8188332 ], dtype=float32)

    Reference:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", AISTATS 2010.
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "uniform"


class GlorotNormal(_Preset):
    """Truncated normal numbers of variance 2 / (fan_in + fan_out).

    Arguments: as VarianceScaling's. Reference: as GlorotUniform's.

    Example:
        >>> GlorotNormal(seed=1)((100, 50)).shape
        (100, 50)
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "truncated_normal"


class HeUniform(_Preset):
    """Uniform numbers in [-limit, limit), limit = sqrt(6 / fan_in): for layers with ReLU.

    Arguments: as VarianceScaling's.

    Example:
        >>> HeUniform(seed=1)((100, 50)).shape
        (100, 50)

    Reference:
        He et al., "Delving deep into rectifiers: surpassing human-level performance on ImageNet
        classification", ICCV 2015.
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "uniform"


class HeNormal(_Preset):
    """Truncated normal numbers of variance 2 / fan_in: for layers with ReLU.

    Arguments: as VarianceScaling's. Reference: as HeUniform's.

    Example:
        >>> HeNormal(seed=1)((100, 50)).shape
        (100, 50)
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "truncated_normal"


class LecunUniform(_Preset):
    """Uniform numbers in [-limit, limit), limit = sqrt(3 / fan_in).

    Arguments: as VarianceScaling's.

    Example:
        >>> LecunUniform(seed=1)((100, 50)).shape
        (100, 50)

    Reference:
        LeCun et al., "Efficient BackProp", 1998.
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "uniform"


class LecunNormal(_Preset):
    """Truncated normal numbers of variance 1 / fan_in: for layers with SELU.

    Arguments: as VarianceScaling's. Reference: as LecunUniform's.

    Example:
        >>> LecunNormal(seed=1)((100, 50)).shape
        (100, 50)
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "truncated_normal"


# Names --------------------------------------------------------------------------------------------

constant = Constant
zeros = Zeros
ones = Ones
identity = IdentityInitializer = Identity
random_normal = RandomNormal
truncated_normal = TruncatedNormal
random_uniform = RandomUniform
orthogonal = OrthogonalInitializer = Orthogonal
variance_scaling = VarianceScaling
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
he_uniform = HeUniform
he_normal = HeNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal

_classes = {
    name: thing
    for name, thing in globals().items()
    if isinstance(thing, type) and issubclass(thing, Initializer) and not name.startswith("_")
}
_aliases = {"zero": Zeros, "one": Ones, "normal": RandomNormal, "uniform": RandomUniform}
_lookup = Lookup("initializer", _classes | _aliases)
serialize, deserialize = _lookup.serialize, _lookup.deserialize

__all__ = [*sorted(_classes), "deserialize", "get", "serialize"]

__getattr__ = refuse(
    __name__,
    dict.fromkeys(
        ("STFT", "STFTInitializer", "stft"),
        "it is for layers of audio, such as MelSpectrogram, which are not there either",
    ),
    __all__,
)


def get(identifier: Any) -> InitializerLike | None:
    """Return the initializer that an identifier stands for.

    Arguments:
        identifier: a name ('glorot_uniform', 'GlorotUniform', 'zeros', 'normal', ...); an
            initializer or any function of (shape, dtype); a class; a config; an array, whose
            values are used; or None, for None.

    Raises:
        ValueError: if it stands for no initializer, with the nearest name.

    Example:
        >>> get("he_normal").get_config()
        {'seed': None, 'input_axes': None, 'output_axes': None}
    """
    if isinstance(identifier, (np.ndarray, np.generic)):
        return _from_array(np.asarray(identifier))
    return _lookup.get(identifier)  # type: ignore[no-any-return]


def _from_array(values: Array) -> Callable[..., Tensor]:
    def initialize(shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
        if tuple(shape) != values.shape:
            raise ValueError(
                f"An array used as initializer must have the shape of the weight. "
                f"Expected: shape={tuple(shape)}. Received: shape={values.shape}."
            )
        return as_tensor(values.astype(_numeric(dtype)))

    return initialize
