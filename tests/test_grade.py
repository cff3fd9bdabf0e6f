"""A solution that is right in every part, and mistakes planted in it: each is found and named."""

from __future__ import annotations

import re
import sys

import pytest

from scratchnn.inspection import commands, grade
from scratchnn.inspection.grading import MistakeError
from scratchnn.inspection.programs import ProgramError

GOOD = """
import numpy as np
import scratchnn as keras

class MyDense(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
    def forward(self, x, ctx):
        ctx.x = x
        return x @ self.kernel.value + self.bias.value
    def backward(self, dy, ctx):
        self.kernel.grad[...] = ctx.x.T @ dy
        self.bias.grad[...] = dy.sum(axis=0)
        return dy @ self.kernel.value.T

class MeanSquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return np.mean((y_pred - y_true) ** 2, axis=-1)
    def gradient(self, y_true, y_pred):
        return 2 * (y_pred - y_true) / y_pred.shape[-1]

class MyMeanAbsoluteError(keras.metrics.Metric):
    def __init__(self, name="mae", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")
    def update_state(self, y_true, y_pred, sample_weight=None):
        e = np.abs(np.asarray(y_pred) - y_true).mean(axis=-1)
        w = np.ones_like(e) if sample_weight is None else sample_weight
        self.total.assign_add((e * w).sum())
        self.count.assign_add(w.sum())
    def result(self):
        return self.total.value / self.count.value

class Momentum(keras.optimizers.Optimizer):
    reference = keras.optimizers.SGD(0.01, momentum=0.9)
    arguments = {"learning_rate": 0.01}
    slots = ("momentum",)
    def update(self, w, g, m):
        m *= 0.9
        m -= self.lr * g
        w += m

def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
softplus.gradient = lambda dy, x, y: dy / (1 + np.exp(-x))
"""

DENSE, LOSS, METRIC = "MyDense", "MeanSquaredError", "MyMeanAbsoluteError"
OPTIMIZER, ACTIVATION = "Momentum", "softplus"

MISTAKES = {
    # name: (what is replaced, by what, the subject, the first part that is wrong, words of it)
    "shape": (
        "return x @ self.kernel.value + self.bias.value",
        "return (x @ self.kernel.value + self.bias.value).ravel()",
        (DENSE, "runs", "4 samples, as many as in x"),
    ),
    "nothing returned": (
        "return x @ self.kernel.value + self.bias.value",
        "y = x @ self.kernel.value + self.bias.value",
        (DENSE, "runs", "Does forward return y?"),
    ),
    "an error": (
        "return x @ self.kernel.value + self.bias.value",
        "return x @ self.kernel.value.T + self.bias.value",
        (DENSE, "runs", "in line 14 of your file: return x @ self.kernel.value.T"),
    ),
    "no super": (
        "super().__init__(**kwargs)\n        self.units",
        "self.units",
        (DENSE, "runs", "super().__init__(**kwargs)"),
    ),
    "output shape": (
        "    def forward(self, x, ctx):\n        ctx.x = x",
        "    def compute_output_shape(self, s):\n        return s\n"
        "    def forward(self, x, ctx):\n        ctx.x = x",
        (DENSE, "output shape", "compute_output_shape to say (None, 4)"),
    ),
    "dtype": (
        "ctx.x = x\n",
        "ctx.x = x = x.astype(float)\n",
        (DENSE, "dtype", "y in float32"),
    ),
    "x changed": (
        "ctx.x = x\n",
        "x *= 1.5\n        ctx.x = x\n",
        (DENSE, "x untouched", "x after forward as it was"),
    ),
    "x changed in backward": (
        "self.bias.grad[...] = dy.sum(axis=0)",
        "self.bias.grad[...] = dy.sum(axis=0)\n        ctx.x += 1",
        (DENSE, "x untouched", "x after backward as it was"),
    ),
    "factor": (
        "= ctx.x.T @ dy",
        "= 2 * ctx.x.T @ dy",
        (DENSE, "gradients", "twice too large"),
    ),
    "mean": (
        "dy.sum(axis=0)",
        "dy.mean(axis=0)",
        (DENSE, "gradients", "the batch has 4 samples"),
    ),
    "no sum": (
        "dy.sum(axis=0)",
        "dy",
        (DENSE, "runs", "is a sum over the batch missing"),
    ),
    "accumulated": (
        "self.kernel.grad[...] =",
        "self.kernel.grad +=",
        (DENSE, "gradients", "must assign every element"),
    ),
    "never assigned": (
        "self.bias.grad[...] = dy.sum(axis=0)",
        "dy.sum(axis=0)",
        (
            DENSE,
            "gradients",
            "Write `self.bias.grad[...] = ...`",
        ),
    ),
    "NaN": (
        "dy.sum(axis=0)",
        "np.sqrt(dy.sum(axis=0) - 1e3)",
        (DENSE, "gradients", "backward itself comes to NaN"),
    ),
    "no chain rule": (
        "return dy @ self.kernel.value.T",
        "return np.ones_like(dy) @ self.kernel.value.T",
        (DENSE, "gradients", "backward returns the same whatever dy is"),
    ),
    "training": (
        "return dy @ self.kernel.value.T",
        "return dy @ self.kernel.value.T * (2 if ctx.training else 1)",
        (DENSE, "gradients", "twice too large"),
    ),
    "loss and gradient of another size": (
        "np.mean((y_pred - y_true) ** 2, axis=-1)\n"
        "    def gradient(self, y_true, y_pred):\n        return 2 * ",
        "3 * np.mean((y_pred - y_true) ** 2, axis=-1)\n"
        "    def gradient(self, y_true, y_pred):\n        return 6 * ",
        (LOSS, "same values", "Look at the formula"),
    ),
    "loss that forgets the weights": (
        "class MeanSquaredError(keras.losses.Loss):",
        "class MeanSquaredError(keras.losses.Loss):\n"
        "    def reduce(self, values, weight, ctx):\n"
        "        return super().reduce(values, None, ctx)",
        (LOSS, "sample weights", "the reference's weighted loss"),
    ),
    "no dx": (
        "return dy @ self.kernel.value.T",
        "dy @ self.kernel.value.T",
        (DENSE, "gradients", "End it with: return dx."),
    ),
    "no ctx": (
        "def backward(self, dy, ctx):\n        self",
        "def backward(self, dy):\n        self",
        (DENSE, "runs", "forward(self, x, ctx) and backward(self, dy, ctx)"),
    ),
    "no backward": (
        "def backward(self, dy, ctx):\n        self",
        "def backwards(self, dy, ctx):\n        self",
        (DENSE, "runs", "forward(self, x, ctx) and backward(self, dy, ctx)"),
    ),
    "shapes of a product": (
        "return dy @ self.kernel.value.T",
        "return dy @ self.kernel.value",
        (DENSE, "runs", "where dy is of shape (4, 4), self.kernel.value is of shape (5, 4)"),
    ),
    "random": (
        "return x @ self.kernel.value + self.bias.value",
        "return x @ self.kernel.value + self.bias.value + np.float32(np.random.rand())",
        (DENSE, "gradients", "without a SeedGenerator"),
    ),
    "dx": (
        "return dy @ self.kernel.value.T",
        "return -dy @ self.kernel.value.T",
        (DENSE, "gradients", "The sign is wrong everywhere"),
    ),
    "on self": (
        "ctx.x = x\n        return x @ self.kernel.value + self.bias.value\n"
        "    def backward(self, dy, ctx):\n        self.kernel.grad[...] = ctx.x.T @ dy",
        "self.x = x\n        return x @ self.kernel.value + self.bias.value\n"
        "    def backward(self, dy, ctx):\n        self.kernel.grad[...] = self.x.T @ dy",
        (DENSE, "used twice", "Write ctx.x = x in forward"),
    ),
    "another function": (
        "return x @ self.kernel.value + self.bias.value",
        "return x @ self.kernel.value - self.bias.value",
        (DENSE, "gradients", "sign is wrong"),
    ),
    "weights": (
        "shape=(self.units,), initializer",
        "shape=(1, self.units), initializer",
        (DENSE, "same output", "weights of shapes [(5, 4), (4,)]"),
    ),
    "loop": (
        "return x @ self.kernel.value + self.bias.value",
        "y = np.zeros((len(x), self.units), x.dtype)\n"
        "        for n in range(len(x)):\n"
        "            for u in range(self.units):\n"
        "                y[n, u] = sum(x[n] * self.kernel.value[:, u]) + self.bias.value[u]\n"
        "        return y",
        (DENSE, "speed", "Replace the loop over samples"),
    ),
    "loss of all": (
        "np.mean((y_pred - y_true) ** 2, axis=-1)",
        "np.mean((y_pred - y_true) ** 2)",
        (LOSS, "runs", "6 values, one for each sample"),
    ),
    "loss twice divided": (
        "/ y_pred.shape[-1]",
        "/ y_pred.size",
        (LOSS, "gradient", "do not divide by N again"),
    ),
    "loss without a factor": (
        "return 2 * (y_pred",
        "return (y_pred",
        (LOSS, "gradient", "0.5 times what it should be"),
    ),
    "loss of another kind": (
        "np.mean((y_pred - y_true) ** 2, axis=-1)",
        "np.mean(2 * (y_pred - y_true) ** 2, axis=-1)",
        (LOSS, "gradient", "0.5 times"),
    ),
    "loss writes": (
        "return np.mean((y_pred - y_true) ** 2, axis=-1)",
        "y_pred -= y_true\n        return np.mean(y_pred ** 2, axis=-1)",
        (LOSS, "arguments untouched", "y_true and y_pred as it was"),
    ),
    "metric of the last batch": (
        "self.total.assign_add(",
        "self.total.assign(",
        (METRIC, "same values", "the sum of all over the count of all"),
    ),
    "metric without weights": (
        "w = np.ones_like(e) if sample_weight is None else sample_weight",
        "w = np.ones_like(e)",
        (METRIC, "sample weights", "A sample of weight 2 counts twice"),
    ),
    "metric that remembers": (
        "    def result(self):\n        return self.total",
        "    def reset_state(self):\n        self.count.assign(0)\n"
        "    def result(self):\n        return self.total",
        (METRIC, "reset", "the value of a new metric after a reset"),
    ),
    "metric of arrays": (
        "return self.total.value / self.count.value",
        "return np.ones(2)",
        (METRIC, "runs", "Return total / count"),
    ),
    "optimizer uphill": (
        "m -= self.lr * g",
        "m += self.lr * g",
        (OPTIMIZER, "downhill", "Is the sign of the step right"),
    ),
    "optimizer with a new array": (
        "w += m",
        "w = w + m",
        (OPTIMIZER, "runs", "makes a new array"),
    ),
    "optimizer that remembers on self": (
        "w += m",
        "self.v = m.copy()\n        w += self.v",
        (OPTIMIZER, "each weight alone", "arrays on the optimizer itself: self.v"),
    ),
    "optimizer without super": (
        "    slots = ",
        "    def __init__(self, learning_rate):\n        self.rate = learning_rate\n    slots = ",
        (OPTIMIZER, "runs", "Begin __init__ with super().__init__(...)"),
    ),
    "metric that counts on self": (
        'self.count = self.add_weight(name="count", initializer="zeros")',
        "self.count = type('Count', (), {'value': 0, 'assign_add': lambda s, v: "
        "setattr(s, 'value', s.value + v)})()",
        (METRIC, "reset", "need a reset_state of your own"),
    ),
    "optimizer with another factor": (
        "m *= 0.9",
        "m *= 0.8",
        (OPTIMIZER, "same steps", "the reference's way in six steps"),
    ),
    "optimizer of all weights": (
        "m -= self.lr * g",
        "m -= self.lr * g * np.sqrt(len(g))",
        (OPTIMIZER, "each weight alone", "Keep what you remember in slots"),
    ),
    "activation's gradient": (
        "dy / (1 + np.exp(-x))",
        "dy / (1 + np.exp(x))",
        (ACTIVATION, "gradient", "dy times the derivative"),
    ),
    "activation without a gradient": (
        "softplus.gradient =",
        "other =",
        (ACTIVATION, "runs", "softplus.gradient, a function of (dy, x, y)"),
    ),
    "activation that overflows": (
        "np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        "np.log(1 + np.exp(x)) + 0 * (np.exp(x) / np.exp(x))",
        (ACTIVATION, "far out", "exp overflows above 88"),
    ),
    "activation that writes": (
        "return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        "y = np.log1p(np.exp(-np.abs(x)))\n    np.maximum(x, 0, out=x)\n    return x + y",
        (ACTIVATION, "x untouched", "An activation never writes to x"),
    ),
    "another activation": (
        "np.log1p(np.exp(-np.abs(x)))",
        "np.log1p(np.exp(-np.abs(x))) + 1",
        (ACTIVATION, "same values", "the reference's values"),
    ),
}


def write(tmp_path, text):
    path = tmp_path / "solution.py"
    path.write_text(text)
    return str(path)


def test_a_good_solution_is_right_in_every_part(tmp_path):
    scores = grade(write(tmp_path, GOOD))
    assert scores.passed, str(scores)
    assert scores.score == 1
    assert {mark.kind for mark in scores.marks} == {
        "layer",
        "loss",
        "metric",
        "optimizer",
        "activation",
    }
    speeds = [mark.note for mark in scores.marks if mark.part == "speed"]
    assert len(speeds) == 4
    assert all(re.fullmatch(r"\d+\.\d times the reference's time", note) for note in speeds)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_and_named(mistake, tmp_path):
    old, new, (subject, part, words) = MISTAKES[mistake]
    assert GOOD.count(old) == 1
    scores = grade(write(tmp_path, GOOD.replace(old, new)))
    assert part in scores.wrong(subject), str(scores)
    assert scores.wrong(subject)[0] == part, str(scores)
    assert scores.wrong() == scores.wrong(subject), "nothing else is blamed"
    mark = next(mark for mark in scores.marks if not mark.passed)
    text = str(mark)
    assert words in text
    for line in ("expected: ", "found:    ", "rule:     "):
        assert line in text
    assert text in str(scores)


def test_parts_after_one_that_does_not_run_are_not_reached(tmp_path):
    text = GOOD.replace("return x @ self.kernel.value + self.bias.value", "return 1 / 0")
    scores = grade(write(tmp_path, text))
    notes = [mark.note for mark in scores.marks if mark.subject == DENSE]
    assert notes == [""] + ["not reached: runs comes first"] * 8
    assert "ZeroDivisionError: division by zero" in str(scores)
    assert scores.score == pytest.approx(22 / 31)


def test_the_table(tmp_path):
    text = GOOD.replace("ctx.x.T @ dy", "3 * ctx.x.T @ dy")
    *_, table, total = str(grade(write(tmp_path, text))).split("\n\n")
    rows = table.splitlines()
    assert rows[1].split() == ["MyDense", "(layer)", "runs", "right"]
    assert [row.split()[0] for row in rows if "WRONG" in row] == ["gradients", "same"]
    assert total == "29 of 31 parts are right: 94%"


SAID = """
import numpy as np
import scratchnn as keras

class First(keras.layers.Layer):
    def __init__(self, slope, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope
    def forward(self, x, ctx):
        ctx.where = x > 0
        return np.where(ctx.where, x, np.float32(self.slope) * x)
    def backward(self, dy, ctx):
        return np.where(ctx.where, dy, dy * dy.dtype.type(self.slope))

class Cube(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return np.mean((y_pred - y_true) ** 3, axis=-1)
    def gradient(self, y_true, y_pred):
        return (y_pred - y_true) ** 2
"""


def test_a_file_may_say_what_is_compared_and_how_it_is_made(tmp_path):
    more = "ARGUMENTS = {'First': {'slope': 0.3}}\nEXAMPLES = {'First': (2, 3, 4)}\n"
    more += "REFERENCES = {'First': keras.layers.LeakyReLU(0.3)}\n"
    scores = grade(write(tmp_path, SAID + more))
    assert scores.passed, str(scores)
    assert len(scores.marks) == 9 + 3
    wrong = more.replace("LeakyReLU(0.3)", "LeakyReLU(0.2)")
    assert grade(write(tmp_path, SAID + wrong)).wrong() == ["same output", "same gradients"]
    inside = SAID.replace(
        "def __init__(self, slope", "arguments = {'slope': 0.3}\n    def __init__(self, slope"
    )
    assert grade(write(tmp_path, inside)).passed


def test_an_argument_that_nobody_knows_is_asked_for(tmp_path):
    scores = grade(write(tmp_path, SAID))
    assert "ARGUMENTS = {'First': {'slope': ...}}" in str(scores)
    loss = SAID.replace("def call", "def __init__(self, power):\n        pass\n    def call")
    assert "ARGUMENTS = {'Cube': {'power': ...}}" in str(grade(write(tmp_path, loss)))


def test_a_reference_is_made_with_the_arguments_of_the_file_or_its_own(tmp_path):
    text = GOOD.replace("class MyDense", "class Layer1").replace(
        "    def __init__(self, units, **kwargs):",
        "    reference = keras.layers.Dense(7)\n    def __init__(self, units, **kwargs):",
    )
    assert grade(write(tmp_path, text)).passed


@pytest.mark.parametrize(
    "layer", ["Flatten", "LayerNormalization", "MaxPooling2D", "Conv1D", "Dropout", "PReLU"]
)
def test_layers_of_this_package_pass_as_their_own_solution(layer, tmp_path):
    text = f"import scratchnn as keras\nclass {layer}(keras.layers.{layer}):\n    pass\n"
    scores = grade(write(tmp_path, text))
    assert scores.passed, str(scores)


def test_command(tmp_path, capsys):
    assert commands.main(["grade", write(tmp_path, GOOD)]) == 0
    assert "31 of 31 parts are right: 100%" in capsys.readouterr().out
    assert commands.main(["grade", write(tmp_path, GOOD.replace("= ctx.x.T", "= -ctx.x.T"))]) == 1
    assert "MyDense, gradients:" in capsys.readouterr().out
    assert commands.main(["grade", write(tmp_path, "x = 1\n")]) == 2
    assert "defines nothing to grade" in capsys.readouterr().err
    assert commands.main(["grade", str(tmp_path / "none.py")]) == 2
    assert "There is no file" in capsys.readouterr().err


CROSSENTROPY = """
import numpy as np
import scratchnn as keras

class MyBinaryCrossentropy(keras.losses.Loss):
    def call(self, y, p):
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p), axis=-1)
    def gradient(self, y, p):
        return ((1 - y) / (1 - p) - y / p) / p.shape[-1]
"""


def test_a_logarithm_of_0_is_found(tmp_path):
    scores = grade(write(tmp_path, CROSSENTROPY))
    assert scores.wrong() == ["probabilities 0 and 1"]
    assert "np.clip(y_pred" in str(scores)
    clip = ":\n        p = np.clip(p, 1e-7, 1 - 1e-7)\n        return"
    assert grade(write(tmp_path, CROSSENTROPY.replace(":\n        return", clip))).passed


def test_a_metric_of_values_is_no_reference(tmp_path):
    text = GOOD.replace("MyMeanAbsoluteError", "MyMean")
    scores = grade(write(tmp_path, text))
    assert scores.passed, str(scores)
    assert len(scores.marks) == 29, "two parts compare with the reference"


def test_random_numbers_are_named_as_such(tmp_path):
    old, new, _ = MISTAKES["random"]
    text = str(grade(write(tmp_path, GOOD.replace(old, new))))
    assert "another y at the second call" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class A(\n", ["solution.py", "SyntaxError: '(' was never closed"]),
        ("import nothing_here\n", ["solution.py, line 1", "No module named 'nothing_here'"]),
        ("x = 1\n1 / 0\n", ["solution.py, line 2, in <module>: 1 / 0", "ZeroDivisionError"]),
        ("import sys\nsys.exit(0)\n", ["must not end the program"]),
        (
            GOOD.replace("        ctx.x = x\n", "        raise SystemExit(0)\n"),
            ["must not end the program"],
        ),
        (
            "import scratchnn as keras\nclass A(keras.layers.Layer):\n    call = print\n",
            ["solution.py, line 2", "defines forward(x, ctx) and backward(dy, ctx)"],
        ),
    ],
)
def test_a_file_that_does_not_run(text, words, tmp_path, capsys):
    path = write(tmp_path, text)
    assert commands.main(["grade", path]) == 2
    error = capsys.readouterr().err
    for word in words:
        assert word in error
    assert "Traceback" not in error
    assert "frozen" not in error
    assert commands.__file__ not in error
    assert str(tmp_path) not in sys.path


def test_a_file_imports_what_lies_beside_it(tmp_path, monkeypatch):
    (tmp_path / "beside_it.py").write_text("FACTOR = 2\n")
    text = "from beside_it import FACTOR\n" + GOOD.replace("return 2 *", "return FACTOR *")
    path = write(tmp_path, text)
    monkeypatch.chdir("/")
    assert commands.main(["grade", path]) == 0
    sys.modules.pop("beside_it")


def test_the_command_alone_helps(capsys):
    assert commands.main([]) == 2
    text = capsys.readouterr().err
    assert "grade solution.py" in text
    assert "compare my_model.py" in text


def test_errors():
    with pytest.raises(ProgramError, match="There is no file"):
        grade("nowhere.py")
    assert str(MistakeError("a", "b", "c")) == "expected a; found b"
