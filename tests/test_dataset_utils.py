"""Dataset and what makes one: windows of a series, splits, folders of images and texts."""

from __future__ import annotations

import random

import numpy as np
import pytest

import scratchnn as keras
from scratchnn import utils
from scratchnn.images.resizing import INTERPOLATIONS, crop_box, resize, resize_with_pad
from scratchnn.layers import Dense, Flatten, Input
from scratchnn.utils import Dataset

pil = pytest.importorskip("PIL.Image")


def values(dataset):
    return [np.asarray(element).tolist() for element in dataset]


# --- Dataset


def test_methods_make_new_datasets():
    numbers = Dataset.from_arrays(np.arange(7))
    assert values(numbers.batch(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert values(numbers.batch(3, drop_remainder=True)) == [[0, 1, 2], [3, 4, 5]]
    assert [len(numbers.batch(3)), len(numbers.batch(3, drop_remainder=True))] == [3, 2]
    assert values(numbers.take(2)) == [0, 1]
    assert values(numbers.skip(5)) == [5, 6]
    assert values(numbers.take(2).repeat(2)) == [0, 1, 0, 1]
    assert values(numbers.repeat().take(9))[-2:] == [0, 1]
    assert values(numbers.map(lambda x: x + 1).filter(lambda x: x % 2 == 0)) == [2, 4, 6]
    assert values(numbers.batch(2).unbatch()) == list(range(7))
    assert values(numbers.prefetch(1).as_numpy_iterator()) == list(range(7))
    assert numbers.cardinality() == 7
    assert numbers.filter(bool).cardinality() == -2
    with pytest.raises(TypeError, match="is not known"):
        len(numbers.batch(2).unbatch())
    assert values(numbers) == list(range(7))


def test_shuffling():
    numbers = Dataset.from_arrays(np.arange(50))
    again = numbers.shuffle(50, seed=1)
    first, second = values(again), values(again)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second != list(range(50))
    assert values(numbers.shuffle(50, seed=1)) == first
    steady = numbers.shuffle(50, seed=1, reshuffle_each_iteration=False)
    assert values(steady) == values(steady)
    near = values(numbers.shuffle(3, seed=0))
    assert all(near.index(n) >= n - 2 for n in range(50))  # none comes more than a buffer early


def test_cache():
    made = []
    numbers = Dataset.from_arrays(np.arange(3)).map(lambda x: made.append(x) or x).cache()
    assert values(numbers) == values(numbers) == [0, 1, 2]
    assert len(made) == 3
    with pytest.raises(ValueError, match=r"cache\(filename\) is not supported"):
        numbers.cache("file")


def test_tuples_and_dicts():
    pairs = Dataset.from_arrays((np.arange(4), np.arange(4) * 10)).map(lambda x, y: (y, x))
    assert [[a.tolist() for a in batch] for batch in pairs.batch(2)] == [
        [[0, 10], [0, 1]],
        [[20, 30], [2, 3]],
    ]
    named = Dataset.from_arrays({"a": np.arange(3), "b": np.ones((3, 2))}).batch(3)
    assert next(iter(named))["b"].shape == (3, 2)


def test_fit_takes_a_dataset():
    x = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
    y = x.sum(axis=1, keepdims=True)

    def trained(*data, **arguments):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([Input((3,)), Dense(1)])
        model.compile("sgd", "mse")
        model.fit(*data, epochs=2, shuffle=False, verbose=0, **arguments)
        return model.get_weights()[0]

    expected = trained(x, y, batch_size=4)
    dataset = Dataset.from_arrays((x, y)).batch(4)
    np.testing.assert_array_equal(trained(dataset), expected)
    np.testing.assert_array_equal(trained(dataset.unbatch().batch(4)), expected)
    np.testing.assert_array_equal(trained(dataset.repeat(), steps_per_epoch=3), expected)


# --- windows


def test_windows_of_a_series():
    series = np.arange(20).reshape(10, 2)
    windows = utils.timeseries_dataset_from_array(series, series[3:, 0], 3, batch_size=4)
    (x, y), last = windows
    assert x.shape == (4, 3, 2)
    assert x[1, :, 0].tolist() == [2, 4, 6]
    assert y.tolist() == [6, 8, 10, 12]
    assert last[0].shape == (3, 3, 2)
    assert len(windows) == 2


def test_options_of_windows():
    series = np.arange(20)
    strided = utils.timeseries_dataset_from_array(
        series, None, 3, sequence_stride=4, sampling_rate=2, start_index=1, end_index=15
    )
    assert values(strided) == [[[1, 3, 5], [5, 7, 9], [9, 11, 13]]]
    single = utils.timeseries_dataset_from_array(series, None, 2, batch_size=None)
    assert values(single.take(2)) == [[0, 1], [1, 2]]
    shuffled = utils.timeseries_dataset_from_array(series, None, 2, shuffle=True, seed=1)
    (first,), (second,) = list(shuffled), list(shuffled)
    assert sorted(first[:, 0]) == sorted(second[:, 0]) == list(range(19))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampling_rate": 0}, "sampling_rate must be higher than 0"),
        ({"sequence_stride": 20}, "lower than the length of the data, 20"),
        ({"start_index": 30}, "must lie within the data of length 20"),
        ({"start_index": 5, "end_index": 5}, "the start before the end"),
        ({"end_index": -2}, "must lie within the data"),
    ],
)
def test_bad_windows(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.timeseries_dataset_from_array(np.arange(20), None, 3, **arguments)


# --- splits


def test_splits():
    left, right = utils.split_dataset(np.arange(10), left_size=0.8)
    assert (values(left), values(right)) == (list(range(8)), [8, 9])
    left, right = utils.split_dataset([np.arange(5), np.arange(5) * 2], right_size=2)
    assert [tuple(map(int, pair)) for pair in right] == [(3, 6), (4, 8)]
    left, right = utils.split_dataset(np.arange(10), left_size=2, right_size=3)
    assert (len(left), values(right)) == (2, [7, 8, 9])
    random.seed(4)
    order = list(range(10))
    random.shuffle(order)
    shuffled, _ = utils.split_dataset(np.arange(10), left_size=0.5, shuffle=True, seed=4)
    assert values(shuffled) == order[:5]
    batched = Dataset.from_arrays((np.arange(10), np.ones((10, 2)))).batch(4)
    left, right = utils.split_dataset(batched, left_size=6)
    assert [len(x) for x, _ in left] == [4, 2]
    assert [y.shape for _, y in right] == [(4, 2)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "At least one of left_size and right_size"),
        ({"left_size": 1.5}, ValueError, r"fraction in \(0, 1\)"),
        ({"left_size": 10}, ValueError, "a number of the 10 samples that leaves some"),
        ({"left_size": "half"}, TypeError, "left_size must be a number"),
        ({"left_size": 8, "right_size": 5}, ValueError, "must not exceed the 10 samples"),
        ({"left_size": 0.01}, ValueError, "the left part would be empty"),
    ],
)
def test_bad_splits(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.split_dataset(np.arange(10), **arguments)


def test_what_cannot_be_split():
    with pytest.raises(TypeError, match=r"must be an array.*Received: 3"):
        utils.split_dataset(3, left_size=0.5)
    with pytest.raises(ValueError, match="is empty"):
        utils.split_dataset([], left_size=0.5)


# --- resizing


def test_resizing_keeps_what_is_constant():
    image = np.full((5, 7, 3), 3, np.uint8)
    for interpolation in INTERPOLATIONS:
        for size in ((3, 4), (10, 9), (5, 7)):
            found = resize(image, size, interpolation)
            assert found.shape == (*size, 3)
            np.testing.assert_allclose(found, 3, rtol=1e-6)
    assert resize(image, (2, 2), "nearest").dtype == np.uint8


def test_resizing_by_hand():
    ramp = np.arange(4.0).reshape(1, 4, 1)
    np.testing.assert_allclose(resize(ramp, (1, 2))[0, :, 0], [0.5, 2.5])
    np.testing.assert_allclose(resize(ramp, (1, 2), "nearest")[0, :, 0], [1, 3])
    np.testing.assert_allclose(resize(ramp, (1, 2), "area")[0, :, 0], [0.5, 2.5])
    assert crop_box((100, 60), (10, 10)) == (slice(20, 80), slice(0, 60))
    padded = resize_with_pad(np.ones((4, 8, 1)), (8, 8))
    assert padded[:, 0, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    with pytest.raises(ValueError, match=r"interpolation must be one of .*'cubic'"):
        resize(ramp, (2, 2), "cubic")


# --- folders


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("cats", 5), ("dogs", 3)):
        (tmp_path / name).mkdir()
        for i in range(count):
            pixels = rng.integers(0, 256, (6 + i, 8, 3), np.uint8)
            pil.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_images_of_a_folder(images, capsys):
    dataset = utils.image_dataset_from_directory(images, image_size=(4, 5), batch_size=3, seed=1)
    assert capsys.readouterr().out == "Found 8 files belonging to 2 classes.\n"
    assert dataset.class_names == ["cats", "dogs"]
    assert len(dataset.file_paths) == 8
    (x, y), *_ = dataset
    assert x.shape == (3, 4, 5, 3)
    assert (x.dtype, y.dtype) == (np.float32, np.int32)
    assert sum(len(labels) for _, labels in dataset) == 8
    model = keras.Sequential([Input((4, 5, 3)), Flatten(), Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(dataset, verbose=0)


def test_options_of_images(images):
    def read(**arguments):
        arguments = {"image_size": 4, "shuffle": False, "verbose": False, **arguments}
        return next(iter(utils.image_dataset_from_directory(images, **arguments)))

    assert read()[1].tolist() == [0] * 5 + [1] * 3
    assert read(label_mode="binary")[1].tolist() == [[0.0]] * 5 + [[1.0]] * 3
    assert read(label_mode="categorical")[1][0].tolist() == [1, 0]
    assert read(label_mode=None).shape == (8, 4, 4, 3)
    assert read(labels=None, color_mode="grayscale").shape == (8, 4, 4, 1)
    assert read(data_format="channels_first")[0].shape == (8, 3, 4, 4)
    assert read(class_names=["dogs", "cats"])[1].tolist() == [0] * 3 + [1] * 5
    assert read(labels=list(range(8)))[1].tolist() == list(range(8))
    assert read(batch_size=None)[0].shape == (4, 4, 3)
    assert read(crop_to_aspect_ratio=True)[0].shape == (8, 4, 4, 3)
    assert read(pad_to_aspect_ratio=True)[0].shape == (8, 4, 4, 3)


def test_subsets_of_images(images, capsys):
    both = utils.image_dataset_from_directory(
        images, image_size=4, validation_split=0.25, subset="both", seed=3
    )
    assert "Using 6 files for training.\nUsing 2 files for validation.\n" in capsys.readouterr().out
    for name, part in zip(("training", "validation"), both, strict=True):
        alone = utils.image_dataset_from_directory(
            images, image_size=4, validation_split=0.25, subset=name, seed=3, verbose=False
        )
        assert alone.file_paths == part.file_paths
    assert not set(both[0].file_paths) & set(both[1].file_paths)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"color_mode": "bgr"}, "color_mode must be one of"),
        ({"label_mode": "float"}, "label_mode must be"),
        ({"labels": 3}, "labels must be 'inferred'"),
        ({"image_size": (1, 2, 3)}, r"image_size must be \(H, W\)"),
        ({"interpolation": "cubic"}, "interpolation must be one of"),
        ({"validation_split": 0.5}, "must be given together"),
        ({"validation_split": 2, "subset": "both"}, "between 0 and 1"),
        ({"validation_split": 0.5, "subset": "both"}, "a seed is needed"),
        ({"validation_split": 0.5, "subset": "test", "seed": 1}, "subset must be"),
        ({"labels": [1, 2]}, "a label for each of the 8 files"),
        ({"class_names": ["birds"]}, r"must be folders in .*\['cats', 'dogs'\]"),
        ({"class_names": ["cats"], "label_mode": "binary"}, "exactly 2 classes"),
        ({"labels": None, "class_names": ["cats"]}, "only be given with labels='inferred'"),
        ({"format": "torch"}, "format must be 'tf' or 'grain'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of crop"),
    ],
)
def test_bad_folders(images, arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.image_dataset_from_directory(images, **arguments)


def test_a_folder_without_images(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"No files ending in .bmp.* were found in"):
        utils.image_dataset_from_directory(tmp_path, verbose=False)


def test_texts_of_a_folder(tmp_path):
    for name, text in (("bad", "dull"), ("good", "Grüße\nand more")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(text, encoding="utf-8")
    x, y = next(iter(utils.text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)))
    assert x.tolist() == ["dull", "Grüße\nand more"]
    assert y.tolist() == [0, 1]
    short = utils.text_dataset_from_directory(
        tmp_path, max_length=2, labels=None, shuffle=False, verbose=False
    )
    assert next(iter(short)).tolist() == ["du", "Gr"]
