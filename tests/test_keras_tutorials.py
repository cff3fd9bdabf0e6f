"""What Keras's tutorials and the first chapters of its books build, small, in both libraries.

Each program is run twice, with scratchnn and with Keras, from the same seed. All that it computes
must agree: losses and metrics to 2e-5 of their size, predictions and weights to 2e-5 of the
largest. Data is made up; it only has to be learnable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from twins import both, close_all

ROUNDING = 2e-5
Program = Callable[[Any], tuple[dict[str, list[float]], Any]]


def same(program: Program, tolerance: float = ROUNDING) -> dict[str, list[float]]:
    """Run a program with both libraries; compare its history and its arrays, return the history."""
    (history, arrays), (expected, their_arrays) = both(program)
    assert list(history) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, tolerance, 1e-7, err_msg=name)
    close_all(as_arrays(arrays), as_arrays(their_arrays), tolerance)
    return history


def as_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_arrays(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_arrays(part) for part in value]
    return np.asarray(value, "float32")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def learns(history: dict[str, list[float]], key: str = "loss") -> None:
    assert history[key][-1] < history[key][0]


# --- images


def cats_and_dogs(samples: int = 24, size: int = 14) -> tuple[Any, Any]:
    """Return noisy pictures: bright on the left, or bright at the top."""
    y = rng(1).integers(0, 2, samples)
    x = rng().random((samples, size, size, 3)) * 100
    half = size // 2
    x[y == 0, :, :half] += 120
    x[y == 1, :half] += 120
    return x.astype("float32"), y.astype("float32")


def test_a_convnet_with_augmentation():
    x, y = cats_and_dogs()

    def program(k: Any) -> Any:
        augmentation = k.Sequential(
            [
                k.layers.RandomFlip("vertical"),
                k.layers.RandomRotation(0.02),
                k.layers.RandomZoom(0.1),
            ]
        )
        inputs = k.Input(shape=(14, 14, 3))
        h = augmentation(inputs)
        h = k.layers.Rescaling(1.0 / 255)(h)
        h = k.layers.Conv2D(filters=6, kernel_size=3, use_bias=False)(h)
        h = k.layers.BatchNormalization()(h)
        h = k.layers.Activation("relu")(h)
        h = k.layers.MaxPooling2D(pool_size=2)(h)
        h = k.layers.Conv2D(filters=8, kernel_size=3, activation="relu", padding="same")(h)
        h = k.layers.Flatten()(h)
        h = k.layers.Dropout(0.3)(h)
        outputs = k.layers.Dense(1, activation="sigmoid")(h)
        model = k.Model(inputs=inputs, outputs=outputs)
        model.compile(
            loss="binary_crossentropy",
            optimizer=k.optimizers.RMSprop(1e-3),
            metrics=["accuracy"],
            run_eagerly=True,
        )
        history = model.fit(x, y, epochs=3, batch_size=8, validation_split=1 / 3, verbose=0)
        return history.history, [model.predict(x, verbose=0), model.evaluate(x, y, verbose=0)]

    learns(same(program))


def test_transfer_learning():
    """A model is trained, cut, frozen under a new head, and then fine-tuned."""
    x, y = cats_and_dogs()

    def program(k: Any) -> Any:
        inputs = k.Input((14, 14, 3))
        h = k.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
        h = k.layers.SeparableConv2D(6, 3, strides=2, activation="relu", name="stem")(h)
        h = k.layers.BatchNormalization(name="norm")(h)
        h = k.layers.Conv2D(8, 3, activation="relu", name="features")(h)
        h = k.layers.GlobalAveragePooling2D()(h)
        whole = k.Model(inputs, k.layers.Dense(3, "softmax")(h))
        whole.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
        first = whole.fit(x, y.astype("int32"), epochs=2, batch_size=8, verbose=0).history

        base = k.Model(whole.input, whole.get_layer("features").output, name="base")
        base.trainable = False
        images = k.Input((14, 14, 3))
        h = base(images, training=False)
        h = k.layers.GlobalAveragePooling2D()(h)
        h = k.layers.Dropout(0.2)(h)
        model = k.Model(images, k.layers.Dense(1)(h))
        loss = k.losses.BinaryCrossentropy(from_logits=True)
        metrics = [k.metrics.BinaryAccuracy()]
        model.compile(k.optimizers.Adam(0.01), loss, metrics=metrics, run_eagerly=True)
        counts = [len(model.trainable_weights), len(model.non_trainable_weights)]
        second = model.fit(x, y, epochs=4, batch_size=8, verbose=0).history
        frozen = base.get_weights()

        base.trainable = True
        base.get_layer("norm").trainable = False
        model.compile(k.optimizers.Adam(1e-3), loss, metrics=metrics, run_eagerly=True)
        third = model.fit(x, y, epochs=2, batch_size=8, verbose=0).history
        history = {
            f"{name} of run {i}": values
            for i, run in enumerate((first, second, third))
            for name, values in run.items()
        }
        return history, [counts, frozen, base.get_weights(), model.predict(x, verbose=0)]

    history = same(program)
    for i in range(3):
        learns(history, f"loss of run {i}")


def test_an_autoencoder():
    x = cats_and_dogs(16, 8)[0][..., :1] / 255

    def program(k: Any) -> Any:
        inputs = k.Input((8, 8, 1))
        h = k.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(inputs)
        h = k.layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(h)
        code = k.layers.Dense(5, name="code")(k.layers.Flatten()(h))
        encoder = k.Model(inputs, code, name="encoder")
        codes = k.Input((5,))
        h = k.layers.Dense(2 * 2 * 12, activation="relu")(codes)
        h = k.layers.Reshape((2, 2, 12))(h)
        h = k.layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(h)
        h = k.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(h)
        decoded = k.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(h)
        decoder = k.Model(codes, decoded, name="decoder")
        autoencoder = k.Sequential([k.Input((8, 8, 1)), encoder, decoder])
        autoencoder.compile("adam", "binary_crossentropy", run_eagerly=True)
        history = autoencoder.fit(x, x, epochs=3, batch_size=4, shuffle=True, verbose=0)
        code = encoder.predict(x, verbose=0)
        return history.history, [code, decoder.predict(code, verbose=0)]

    learns(same(program))


def test_siamese_twins():
    """One encoder for both pictures; the same class or not is read off their distance."""
    x, y = cats_and_dogs(20, 8)
    left, right = x[:10] / 255, x[10:] / 255
    alike = (y[:10] == y[10:]).astype("float32")

    def program(k: Any) -> Any:
        encoder = k.Sequential(
            [
                k.Input((8, 8, 3)),
                k.layers.Conv2D(6, 3, activation="relu"),
                k.layers.MaxPooling2D(),
                k.layers.Flatten(),
                k.layers.Dense(8, activation="tanh"),
                k.layers.UnitNormalization(),
            ],
            name="encoder",
        )
        a, b = k.Input((8, 8, 3), name="left"), k.Input((8, 8, 3), name="right")
        one, other = encoder(a), encoder(b)
        closeness = k.layers.Dot(axes=1)([one, other])
        difference = k.layers.Subtract()([one, other])
        h = k.layers.Concatenate()([closeness, k.layers.Multiply()([difference, difference])])
        model = k.Model([a, b], k.layers.Dense(1, activation="sigmoid")(h))
        model.compile(k.optimizers.Adam(0.01), "binary_crossentropy", run_eagerly=True)
        history = model.fit([left, right], alike, epochs=4, batch_size=5, verbose=0)
        predictions = model.predict({"left": left, "right": right}, verbose=0)
        return history.history, [predictions, encoder.get_weights()]

    learns(same(program))


# --- text


def reviews(samples: int = 24, length: int = 12, words: int = 40) -> tuple[Any, Any]:
    """Return lists of words' numbers, of many lengths; 2 to 9 are praise, 10 to 17 are not."""
    y = rng(1).integers(0, 2, samples)
    texts = []
    for label in y:
        text = rng(len(texts)).integers(18, words, rng(len(texts)).integers(4, length + 4))
        text[::3] = rng(len(texts)).integers(2, 10, len(text[::3])) + 8 * (1 - label)
        texts.append(text.tolist())
    return texts, y.astype("float32")


TEXT_MODELS = {
    "lstm": lambda k: [k.layers.LSTM(6)],
    "bidirectional": lambda k: [
        k.layers.Bidirectional(k.layers.LSTM(5, return_sequences=True)),
        k.layers.Bidirectional(k.layers.GRU(4)),
    ],
    "convnet": lambda k: [
        k.layers.Conv1D(8, 3, activation="relu"),
        k.layers.MaxPooling1D(2),
        k.layers.Conv1D(8, 3, activation="relu"),
        k.layers.GlobalMaxPooling1D(),
    ],
    "bag of words": lambda k: [k.layers.GlobalAveragePooling1D()],
}


@pytest.mark.parametrize("kind", TEXT_MODELS)
def test_reviews(kind):
    texts, y = reviews()

    def program(k: Any) -> Any:
        x = k.utils.pad_sequences(texts, maxlen=12)
        masks = kind not in ("convnet",)
        model = k.Sequential(
            [
                k.Input((None,), dtype="int32"),
                k.layers.Embedding(40, 6, mask_zero=masks),
                *TEXT_MODELS[kind](k),
                k.layers.Dropout(0.3),
                k.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"], run_eagerly=True)
        stop = k.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)
        history = model.fit(
            x[:16],
            y[:16],
            epochs=3,
            batch_size=8,
            validation_data=(x[16:], y[16:]),
            callbacks=[stop],
            verbose=0,
        )
        return history.history, [model.predict(x, verbose=0), model.get_weights()]

    learns(same(program))


def test_words_to_vectors():
    """Strings go in: TextVectorization learns the words, and is part of the model."""
    words = ["awful", "bad", "boring", "fine", "great", "lovely", "the", "film", "was", "plot"]
    y = rng(1).integers(0, 2, 16)
    texts = [
        " ".join(rng(i).choice(words[6:], 4)) + " " + " ".join(rng(i).choice(words[3 * n :][:3], 3))
        for i, n in enumerate(y)
    ]

    def program(k: Any) -> Any:
        vectorize = k.layers.TextVectorization(max_tokens=30, output_sequence_length=8)
        vectorize.adapt(texts)
        x = np.asarray(vectorize(texts))
        counts = k.layers.TextVectorization(max_tokens=30, output_mode="multi_hot", ngrams=2)
        counts.adapt(texts)
        bags = np.asarray(counts(texts)).astype("float32")
        sequences = k.Input((8,), dtype="int64")
        bag = k.Input((bags.shape[1],))
        h = k.layers.Embedding(30, 5)(sequences)
        h = k.layers.GlobalAveragePooling1D()(h)
        h = k.layers.Concatenate()([h, k.layers.Dense(4, "relu")(bag)])
        model = k.Model([sequences, bag], k.layers.Dense(1, "sigmoid")(h))
        model.compile(k.optimizers.Adam(0.05), "binary_crossentropy", run_eagerly=True)
        history = model.fit([x, bags], y.astype("float32"), epochs=3, batch_size=8, verbose=0)
        assert vectorize.get_vocabulary()[:2] == ["", "[UNK]"]
        return history.history, [x, bags, model.predict([x, bags], verbose=0)]

    learns(same(program))


def test_a_transformer():
    texts, y = reviews()

    def program(k: Any) -> Any:
        x = k.utils.pad_sequences(texts, maxlen=10, padding="post", truncating="post")
        places = np.tile(np.arange(10), (len(x), 1))
        tokens = k.Input((10,), dtype="int32", name="tokens")
        positions = k.Input((10,), dtype="int32", name="positions")
        h = k.layers.Add()(
            [k.layers.Embedding(40, 8)(tokens), k.layers.Embedding(10, 8)(positions)]
        )
        attended = k.layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(h, h)
        h = k.layers.LayerNormalization(epsilon=1e-6)(k.layers.add([h, attended]))
        forward = k.Sequential([k.layers.Dense(12, activation="gelu"), k.layers.Dense(8)])
        h = k.layers.LayerNormalization(epsilon=1e-6)(k.layers.add([h, forward(h)]))
        h = k.layers.GlobalMaxPooling1D()(h)
        h = k.layers.Dropout(0.2)(h)
        model = k.Model([tokens, positions], k.layers.Dense(1, activation="sigmoid")(h))
        model.compile(k.optimizers.Adam(0.01), "binary_crossentropy", run_eagerly=True)
        history = model.fit([x, places], y, epochs=3, batch_size=8, verbose=0)
        # All in one: the bias of the keys has no gradient but rounding, which Adam magnifies.
        weights = np.concatenate([w.ravel() for w in model.get_weights()])
        return history.history, [model.predict([x, places], verbose=0), weights]

    learns(same(program))


# --- sequences and tables


def test_a_time_series():
    """Temperatures of the next step from those of the last ones, by stacked GRUs."""
    time = np.arange(90)
    series = np.stack([np.sin(time / 4), np.cos(time / 7)], axis=1)
    series = (series + rng().normal(size=series.shape) * 0.05).astype("float32")

    def program(k: Any) -> Any:
        datasets = [
            k.utils.timeseries_dataset_from_array(
                series[:-8],
                targets=series[8:, 0],
                sequence_length=8,
                sampling_rate=1,
                shuffle=False,
                batch_size=16,
                start_index=start,
                end_index=end,
            )
            for start, end in ((0, 60), (60, None))
        ]
        model = k.Sequential(
            [
                k.Input((8, 2)),
                k.layers.GRU(6, recurrent_dropout=0.2, return_sequences=True),
                k.layers.GRU(5, recurrent_dropout=0.2),
                k.layers.Dropout(0.2),
                k.layers.Dense(1),
            ]
        )
        model.compile("rmsprop", "mse", metrics=["mae"], run_eagerly=True)
        history = model.fit(datasets[0], epochs=2, validation_data=datasets[1], verbose=0)
        return history.history, [model.predict(datasets[1], verbose=0), model.get_weights()]

    learns(same(program))


def test_a_table_of_people():
    """Numbers are normalized, strings and integers looked up and encoded."""
    n = 32
    age = rng(1).uniform(20, 80, (n, 1)).astype("float32")
    pressure = rng(2).normal(130, 15, (n, 1)).astype("float32")
    thal = rng(3).choice(["fixed", "normal", "reversible"], (n, 1))
    slope = rng(4).integers(1, 4, (n, 1))
    y = (age[:, 0] + 20 * (thal[:, 0] == "fixed") > 55).astype("float32")

    def program(k: Any) -> Any:
        numbers = {"age": age, "pressure": pressure}
        inputs, parts, data = {}, [], {}
        for name, column in numbers.items():
            normalization = k.layers.Normalization(axis=-1)
            normalization.adapt(column)
            inputs[name] = k.Input((1,), name=name)
            parts.append(normalization(inputs[name]))
            data[name] = column
        lookup = k.layers.StringLookup(output_mode="int")
        lookup.adapt(thal)
        indices = np.asarray(lookup(thal))
        inputs["thal"] = k.Input((1,), name="thal", dtype="int64")
        encoding = k.layers.CategoryEncoding(num_tokens=lookup.vocabulary_size())
        parts.append(encoding(inputs["thal"]))
        data["thal"] = indices
        slopes = k.layers.IntegerLookup(vocabulary=[1, 2, 3], output_mode="one_hot")
        data["slope"] = np.asarray(slopes(slope)).astype("float32")
        inputs["slope"] = k.Input((data["slope"].shape[-1],), name="slope")
        parts.append(inputs["slope"])
        h = k.layers.Dense(8, activation="relu")(k.layers.concatenate(parts))
        h = k.layers.Dropout(0.2)(h)
        model = k.Model(inputs, k.layers.Dense(1, activation="sigmoid")(h))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"], run_eagerly=True)
        history = model.fit(data, y, epochs=3, batch_size=8, verbose=0)
        return history.history, [indices, data["slope"], model.predict(data, verbose=0)]

    learns(same(program))


def test_customer_tickets():
    """Three inputs, two outputs, each with its loss, weight and metrics."""
    n = 24
    data = {
        "title": rng(1).integers(0, 2, (n, 12)).astype("float32"),
        "text_body": rng(2).integers(0, 2, (n, 20)).astype("float32"),
        "tags": rng(3).integers(0, 2, (n, 5)).astype("float32"),
    }
    priority = data["tags"].mean(axis=1, keepdims=True)
    department = data["title"][:, :4].argmax(axis=1)

    def program(k: Any) -> Any:
        title = k.Input((12,), name="title")
        text_body = k.Input((20,), name="text_body")
        tags = k.Input((5,), name="tags")
        features = k.layers.Concatenate()([title, text_body, tags])
        features = k.layers.Dense(16, activation="relu", name="dense_features")(features)
        outputs = [
            k.layers.Dense(1, activation="sigmoid", name="priority")(features),
            k.layers.Dense(4, activation="softmax", name="department")(features),
        ]
        model = k.Model([title, text_body, tags], outputs)
        model.compile(
            optimizer="adam",
            loss={"priority": "mean_squared_error", "department": "categorical_crossentropy"},
            loss_weights={"priority": 2.0, "department": 0.5},
            metrics={"priority": ["mean_absolute_error"], "department": ["accuracy"]},
            run_eagerly=True,
        )
        targets = {"priority": priority, "department": k.utils.to_categorical(department, 4)}
        history = model.fit(data, targets, epochs=3, batch_size=8, verbose=0)
        scores = model.evaluate(data, targets, verbose=0, return_dict=True)
        # Then a third question is asked of the same features.
        difficulty = k.layers.Dense(3, activation="softmax", name="difficulty")
        larger = k.Model(
            [title, text_body, tags],
            [*outputs, difficulty(model.get_layer("dense_features").output)],
        )
        return history.history, [scores, larger.predict(data, verbose=0)]

    learns(same(program))


def test_characters_that_follow():
    """Text generation: the next character at each step, by an Embedding and a GRU with a state."""
    text = "the cat sat on the mat and the dog sat on the cat. " * 4
    letters = sorted(set(text))

    def program(k: Any) -> Any:
        lookup = k.layers.StringLookup(vocabulary=letters, mask_token=None)
        ids = np.asarray(lookup(list(text)))
        x = np.stack([ids[i : i + 10] for i in range(0, 180, 6)])
        y = np.stack([ids[i + 1 : i + 11] for i in range(0, 180, 6)])
        inputs = k.Input((None,), dtype="int32")
        embedded = k.layers.Embedding(lookup.vocabulary_size(), 8)(inputs)
        gru = k.layers.GRU(12, return_sequences=True, return_state=True)
        sequence, _ = gru(embedded)
        head = k.layers.Dense(lookup.vocabulary_size())
        model = k.Model(inputs, head(sequence))
        loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], run_eagerly=True)
        history = model.fit(x, y, batch_size=10, epochs=2, verbose=0)
        state = k.Input((12,))
        one_step = k.Model(
            [inputs, state], [(z := gru(embedded, initial_state=state))[1], head(z[0])]
        )
        h, found = np.zeros((1, 12), "float32"), [x[:1, :1]]
        for _ in range(6):  # the most likely one, again and again
            h, logits = one_step.predict([found[-1], h], verbose=0)
            found.append(logits.argmax(axis=-1))
        return history.history, [h, logits, *found]

    learns(same(program))


def test_segmentation():
    """A class for each pixel: down by strides, up by transposed convolutions, and around it."""
    x, kind = cats_and_dogs(12, 12)
    y = (x[..., :1] > 110).astype("int32") + (kind[:, None, None, None] > 0)

    def program(k: Any) -> Any:
        inputs = k.Input((12, 12, 3))
        h = k.layers.Rescaling(1.0 / 255)(inputs)
        first = k.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(h)
        h = k.layers.BatchNormalization()(first)
        h = k.layers.SeparableConv2D(8, 3, padding="same", activation="relu")(h)
        h = k.layers.MaxPooling2D(3, strides=2, padding="same")(h)
        h = k.layers.Conv2DTranspose(6, 3, padding="same", activation="relu")(h)
        h = k.layers.UpSampling2D(2)(h)
        h = k.layers.add([h, k.layers.Conv2D(6, 1, padding="same")(first)])
        h = k.layers.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu")(h)
        model = k.Model(inputs, k.layers.Conv2D(3, 3, activation="softmax", padding="same")(h))
        model.compile(
            "rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True
        )
        history = model.fit(x, y, batch_size=5, epochs=2, verbose=0)
        return history.history, [model.predict(x, verbose=0)]

    learns(same(program))


def test_a_signal_by_convolutions_and_a_gru():
    """A long sequence is shortened by Conv1D and pooling before the recurrent layer reads it."""
    time = np.arange(40) / 3
    phase = rng(2).uniform(0, 6, (20, 1))
    y = np.arange(20) % 2
    x = np.sin(time * (1 + y[:, None] / 2) + phase)[..., None].astype("float32")

    def program(k: Any) -> Any:
        model = k.Sequential(
            [
                k.Input((40, 1)),
                k.layers.Conv1D(6, 5, activation="relu", padding="causal"),
                k.layers.MaxPooling1D(2),
                k.layers.Conv1D(6, 5, activation="relu", dilation_rate=2),
                k.layers.AveragePooling1D(2),
                k.layers.Bidirectional(k.layers.GRU(5)),
                k.layers.LayerNormalization(),
                k.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile(
            k.optimizers.SGD(0.1, momentum=0.9),
            "binary_crossentropy",
            metrics=["accuracy"],
            run_eagerly=True,
        )
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        return history.history, [model.predict(x, verbose=0), model.get_weights()]

    learns(same(program))
