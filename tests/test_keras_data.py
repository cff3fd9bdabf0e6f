"""Data in every form trains as in tf.keras: the same batches, weights and logs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import scratchnn
from scratchnn.images.resizing import INTERPOLATIONS, resize, resize_with_pad

pandas = pytest.importorskip("pandas")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(26, 3)).astype("float32")
Y = RNG.normal(size=(26, 2)).astype("float32")
LABELS = RNG.integers(0, 2, 26)
WEIGHT = RNG.uniform(size=26).astype("float32")
TOLERANCE = 2e-6  # float32 rounding over some ten steps


def parts(*arrays: Any, size: int = 8) -> Any:
    for start in range(0, len(arrays[0]), size):
        yield tuple(a[start : start + size] for a in arrays)


def forever(*arrays: Any) -> Any:
    while True:
        yield from parts(*arrays)


def dataset_of(k: Any, *arrays: Any, record: list[Any] | None = None, **arguments: Any) -> Any:
    class Rows(k.utils.PyDataset):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(**arguments)

        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            return tuple(a[8 * index : 8 * index + 8] for a in arrays)

        def on_epoch_begin(self) -> None:
            if record is not None:
                record.append("begin")

        def on_epoch_end(self) -> None:
            if record is not None:
                record.append("end")

    return Rows()


def trained(k: Any, x: Any, y: Any = None, loss: str = "mse", **fit: Any) -> Any:
    k.utils.set_random_seed(5)
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, "tanh"), k.layers.Dense(2)])
    if loss != "mse":
        model.add(k.layers.Softmax())
    model.compile("adam", loss, metrics=["mae" if loss == "mse" else "accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of shuffle=True, its own default
        history = model.fit(x, y, verbose=0, **fit).history
    return history, [np.asarray(w) for w in model.get_weights()]


def same(ours: Any, theirs: Any) -> None:
    assert ours[0].keys() == theirs[0].keys()
    for key in ours[0]:
        np.testing.assert_allclose(ours[0][key], theirs[0][key], rtol=TOLERANCE, err_msg=key)
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE)


SPARSE = "sparse_categorical_crossentropy"
FITS = {
    "dataset": lambda k: trained(k, dataset_of(k, X, Y), epochs=3),
    "dataset in order": lambda k: trained(k, dataset_of(k, X, Y), epochs=3, shuffle=False),
    "workers": lambda k: trained(
        k, dataset_of(k, X, Y, workers=2, max_queue_size=3), epochs=3, shuffle=False
    ),
    "weights": lambda k: trained(k, dataset_of(k, X, Y, WEIGHT), epochs=3),
    "steps": lambda k: trained(k, dataset_of(k, X, Y), epochs=3, steps_per_epoch=2, shuffle=False),
    "class weights": lambda k: trained(
        k, dataset_of(k, X, LABELS), loss=SPARSE, class_weight={0: 3.0}, epochs=2
    ),
    "generator": lambda k: trained(k, forever(X, Y), epochs=3, steps_per_epoch=4),
    "weighted generator": lambda k: trained(k, forever(X, Y, WEIGHT), epochs=2, steps_per_epoch=3),
    "validation dataset": lambda k: trained(
        k, X, Y, batch_size=8, epochs=2, validation_data=dataset_of(k, X, Y)
    ),
    "validation steps": lambda k: trained(
        k, X, Y, epochs=2, validation_data=dataset_of(k, X, Y, WEIGHT), validation_steps=3
    ),
    "validation now and then": lambda k: trained(
        k, X, Y, epochs=5, validation_data=(X, Y), validation_freq=[2, 5]
    ),
    "frame and series": lambda k: trained(
        k,
        pandas.DataFrame(X, columns=list("abc")),
        pandas.DataFrame(Y),
        sample_weight=WEIGHT,
        epochs=2,
    ),
    "list of arrays": lambda k: trained(k, [X], [Y], epochs=2, batch_size=8),
    "split": lambda k: trained(k, X, Y, epochs=2, batch_size=5, validation_split=0.3),
}


@pytest.mark.parametrize("name", FITS)
def test_fit(name: str) -> None:
    same(FITS[name](scratchnn), FITS[name](keras))


def test_a_dataset_hears_the_same() -> None:
    ours: list[Any] = []
    theirs: list[Any] = []
    for k, record in ((scratchnn, ours), (keras, theirs)):
        trained(k, dataset_of(k, X, Y, record=record), epochs=2, validation_data=(X, Y))
        trained(k, X, Y, epochs=2, validation_data=dataset_of(k, X, Y, record=record))
    assert ours == theirs


def test_evaluate_and_predict() -> None:
    models = []
    for k in (scratchnn, keras):
        k.utils.set_random_seed(5)
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
        model.compile("adam", "mse", metrics=["mae"])
        models.append(model)
    for make in (
        lambda k: {"x": dataset_of(k, X, Y)},
        lambda k: {"x": forever(X, Y, WEIGHT), "steps": 3},
        lambda k: {"x": X, "y": Y, "batch_size": 8, "steps": 2},
    ):
        found = [
            model.evaluate(verbose=0, **make(k))
            for k, model in zip((scratchnn, keras), models, strict=True)
        ]
        np.testing.assert_allclose(*found, rtol=TOLERANCE)
    for make in (
        lambda k: {"x": dataset_of(k, X)},
        lambda k: {"x": forever(X), "steps": 3},
        lambda k: {"x": pandas.DataFrame(X)},
    ):
        found = [
            model.predict(verbose=0, **make(k))
            for k, model in zip((scratchnn, keras), models, strict=True)
        ]
        np.testing.assert_allclose(*found, rtol=TOLERANCE, atol=TOLERANCE)


# --- datasets


def elements(dataset: Any) -> list[Any]:
    return [
        [np.asarray(part) for part in (element if isinstance(element, tuple) else (element,))]
        for element in dataset
    ]


def alike(ours: Any, theirs: Any, **tolerance: float) -> None:
    mine, other = elements(ours), elements(theirs)
    assert len(mine) == len(other)
    for a, b in zip(mine, other, strict=True):
        for p, q in zip(a, b, strict=True):
            assert p.dtype == q.dtype
            np.testing.assert_allclose(p, q, **tolerance)


@pytest.mark.parametrize(
    "arguments",
    [
        {"sequence_length": 4},
        {"sequence_length": 4, "sequence_stride": 3, "sampling_rate": 2, "batch_size": 5},
        {"sequence_length": 3, "start_index": 4, "end_index": 20},
        {"sequence_length": 3, "batch_size": None},
    ],
)
@pytest.mark.parametrize("targets", [True, False])
def test_windows(arguments: dict[str, Any], targets: bool) -> None:
    y = Y[:, 0] if targets else None
    alike(
        scratchnn.utils.timeseries_dataset_from_array(X, y, **arguments),
        keras.utils.timeseries_dataset_from_array(X, y, **arguments),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"left_size": 0.7},
        {"right_size": 5},
        {"left_size": 0.3, "right_size": 0.5},
        {"left_size": 10, "shuffle": True, "seed": 3},
    ],
)
def test_splits(arguments: dict[str, Any]) -> None:
    for data in (X, (X, Y), [X, LABELS]):
        ours = scratchnn.utils.split_dataset(data, **arguments)
        for mine, other in zip(ours, keras.utils.split_dataset(data, **arguments), strict=True):
            alike(mine, other)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_resizing(interpolation: str) -> None:
    tf = pytest.importorskip("tensorflow")
    image = RNG.integers(0, 256, (7, 11, 3)).astype("uint8")
    for size in ((3, 4), (14, 20), (7, 5)):
        np.testing.assert_allclose(
            resize(image, size, interpolation),
            tf.image.resize(image, size, interpolation),
            rtol=2e-5,
            atol=4e-4,  # of 255
        )
        np.testing.assert_allclose(
            resize_with_pad(image, size, interpolation),
            tf.image.resize_with_pad(image, *size, method=interpolation),
            rtol=2e-5,
            atol=4e-4,
        )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"label_mode": "categorical", "color_mode": "grayscale"},
        {"label_mode": "binary", "interpolation": "nearest"},
        {"labels": None, "color_mode": "rgba"},
        {"crop_to_aspect_ratio": True, "data_format": "channels_first"},
        {"pad_to_aspect_ratio": True},
        {"class_names": ["b", "a"], "validation_split": 0.4, "subset": "validation"},
    ],
)
def test_images_of_a_folder(arguments: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    pil = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(4):
            pixels = rng.integers(0, 256, (5 + i, 7, 3), np.uint8)
            pil.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    shown = []
    found = []
    for k in (scratchnn, keras):
        found.append(
            k.utils.image_dataset_from_directory(
                str(tmp_path), image_size=(4, 6), batch_size=3, shuffle=False, **arguments
            )
        )
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert found[0].class_names == found[1].class_names
    assert found[0].file_paths == found[1].file_paths
    # Grey values: Pillow rounds to whole numbers another way than TensorFlow.
    atol = 1.01 if arguments.get("color_mode") == "grayscale" else 2e-4
    alike(*found, rtol=2e-5, atol=atol)
    if "subset" in arguments:
        seeded = [
            k.utils.image_dataset_from_directory(str(tmp_path), seed=4, verbose=False, **arguments)
            for k in (scratchnn, keras)
        ]
        assert seeded[0].file_paths == seeded[1].file_paths


def test_texts_of_a_folder(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}.txt").write_text(f"text {name}{i} ü", encoding="utf-8")
    (x, y), (other, labels) = (
        next(iter(k.utils.text_dataset_from_directory(str(tmp_path), shuffle=False, verbose=False)))
        for k in (scratchnn, keras)
    )
    assert x.tolist() == [text.decode() for text in np.asarray(other).tolist()]
    np.testing.assert_array_equal(y, labels)
