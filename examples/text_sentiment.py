"""Read film reviews: about 67% right by the words alone, 89% once pairs of words count, too.

    python examples/text_sentiment.py
    python examples/text_sentiment.py --epochs 3 --samples 500 --output quick.png

The reviews are written by examples/film_reviews.py: "not good" is blame and "far from dull" praise,
which nobody can tell who looks at one word at a time.
The picture needs matplotlib: pip install "scratchnn[plot]".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import film_reviews
import numpy as np

import scratchnn as keras
from scratchnn import plots

SENTENCES = [
    "the acting is superb",
    "the acting is not superb",
    "i found the plot anything but dull",
    "although the plot is dull, the cast is never silly",
]

NAMED = ["superb", "dull", "charming", "silly", "good", "bad"]


def main(argv: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15, help="passes over the reviews")
    parser.add_argument("--samples", type=int, default=4000, help="reviews, a fifth to test on")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="the colours")
    parser.add_argument("--output", default="sentiment.png", help="the picture to write")
    args = parser.parse_args(argv)

    texts, labels = film_reviews.write(args.samples)
    x, y = np.array(texts), np.array(labels, "float32")
    train, test = slice(0, -(len(x) // 5)), slice(-(len(x) // 5), None)
    histories = {}
    for name, ngrams in (("words", 1), ("pairs", 2)):
        keras.utils.set_random_seed(1)
        vectorize = keras.layers.TextVectorization(ngrams=ngrams, output_sequence_length=80)
        vectorize.adapt(x[train])
        tokens = np.asarray(vectorize(x))

        embedding = keras.layers.Embedding(vectorize.vocabulary_size(), 16, mask_zero=True)
        verdict = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([embedding, keras.layers.GlobalAveragePooling1D(), verdict])
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
        histories[name] = model.fit(
            tokens[train],
            y[train],
            epochs=args.epochs,
            validation_data=(tokens[test], y[test]),
            verbose=0,
        )
        loss, accuracy = model.evaluate(tokens[test], y[test], verbose=0)
        print(f"by {name}: {accuracy:.1%} of {len(y[test])} reviews right, loss {loss:.4f}")

    asked = np.asarray(vectorize(SENTENCES))
    for text, p in zip(SENTENCES, model.predict(asked, verbose=0), strict=True):
        print(f"{p[0]:4.0%} in favour: {text}")

    vocabulary = vectorize.get_vocabulary()[2:]  # after '' for padding, '[UNK]' for the unknown
    figure = plots.embedding_plane(
        vocabulary,
        embedding.get_weights()[0][2:],
        verdict.get_weights()[0],
        histories,
        metric="accuracy",
        named=[w for w in vocabulary if w.split()[-1] in NAMED],
        title="what each word, or pair of words, says of a film",
        theme=args.theme,
    )
    figure.savefig(args.output, dpi=200)
    print(f"picture: {args.output}")
    return float(accuracy)


if __name__ == "__main__":
    main()
