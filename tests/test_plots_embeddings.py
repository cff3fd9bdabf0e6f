"""The plane of an Embedding: where words lie, which are named, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from scratchnn.plots import embedding_plane

WORDS = ["good", "bad", "fine", "dull", "so", "so-so"]
VECTORS = np.array([[2, 0, 1], [-2, 0, 1], [1, 3, 0], [-1, -3, 0], [0, 0, 0], [0.1, 0, 0.001]])


def names(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_word_lies_as_far_as_it_speaks():
    figure = embedding_plane(WORDS, VECTORS, np.array([[2.0], [0.0], [0.0]]))
    (points,) = figure.axes[0].collections
    x, y = points.get_offsets().T
    np.testing.assert_allclose(x, VECTORS[:, 0])
    assert abs(np.corrcoef(x, y)[0, 1]) < 1e-6  # what the first says is not said twice
    assert len(figure.axes) == 1


def test_the_outermost_words_are_named_first_and_names_cover_none():
    figure = embedding_plane(WORDS, VECTORS, [1, 0, 0])
    assert names(figure)[:4] == ["good", "bad", "fine", "dull"]
    crowd = embedding_plane(["near", "nearer"], [[1.0, 0.0], [0.99, 0.0]], [1, 0])
    assert names(crowd) == ["near"]


def test_chosen_words():
    assert names(embedding_plane(WORDS, VECTORS, [1, 0, 0], named=["dull", "good"])) == [
        "dull",
        "good",
    ]
    with pytest.raises(ValueError, match=r"named to be among the words\. Received: \['great'\]"):
        embedding_plane(WORDS, VECTORS, [1, 0, 0], named=["great"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_histories_beside_it(theme):
    histories = {"a": {"loss": [1.0, 0.5], "accuracy": [0.5, 0.8]}, "b": {"accuracy": [0.4, 0.6]}}
    figure = embedding_plane(
        WORDS, VECTORS, [1, 0, 0], histories, metric="accuracy", title="words", theme=theme
    )
    assert len(figure.axes) == 2
    assert figure.axes[0].get_title(loc="left") == "words"
    assert [list(line.get_ydata()) for line in figure.axes[1].lines[:2]] == [[0.5, 0.8], [0.4, 0.6]]


def test_alike_vectors_and_no_direction():
    embedding_plane(["a", "b"], np.ones((2, 3)), [0, 0, 0])


@pytest.mark.parametrize(
    ("words", "vectors", "direction"),
    [
        (["a"], VECTORS, [1, 0, 0]),
        (WORDS, VECTORS, [1, 0]),
        (WORDS, VECTORS[:, 0], [1]),
    ],
)
def test_what_does_not_fit(words, vectors, direction):
    with pytest.raises(ValueError, match="Expected vectors"):
        embedding_plane(words, vectors, direction)
