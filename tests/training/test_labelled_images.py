"""Labelled images are decoded into a cache, once."""

import io
import tracemalloc

import datasets
import numpy as np
import pytest
from PIL import Image

from keras_resblocks_plugin.training.data._labelled_images import Split, open_split
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.data._row_choice import hold_out
from tests.made_data import photographs, save_dataset
from tests.training.decoded import load_images


@pytest.fixture(scope="module")
def images(dataset, tmp_path_factory):
    return load_images(str(dataset), "train", Square(32), tmp_path_factory.mktemp("cache"))


def test_images_are_decoded_once_and_square(dataset, images, tmp_path):
    assert images.images.shape == (120, 32, 32, 3)
    assert images.images.dtype == "uint8"
    assert images.class_names == ["red", "green", "blue"]
    first = load_images(str(dataset), "validation", Square(32), tmp_path)
    (cached,) = tmp_path.glob("*-images.npy")
    before = cached.stat().st_mtime_ns
    again = load_images(str(dataset), "validation", Square(32), tmp_path)
    assert cached.stat().st_mtime_ns == before
    np.testing.assert_array_equal(first.images, again.images)
    # Lossless files: the array equals the source.
    pixels = np.asarray(photographs(30, 1)["image"][1])
    np.testing.assert_array_equal(first.images[1], pixels)


def test_rows_are_decoded_by_themselves(dataset, images, tmp_path):
    split = open_split(str(dataset), "train", tmp_path)
    rows = np.array([3, 5, 110])
    some = split.decode(Square(32), rows)
    np.testing.assert_array_equal(some.images, images.images[rows])
    np.testing.assert_array_equal(some.labels, images.labels[rows])
    # Nothing else is on the disk, and it is found again.
    (cached,) = tmp_path.glob("*-images.npy")
    before = cached.stat().st_mtime_ns
    split.decode(Square(32), rows)
    assert cached.stat().st_mtime_ns == before


def test_labels_take_a_few_bytes_each(tmp_path):
    expected = np.arange(200_000) % 1000
    names = [str(label) for label in range(1000)]
    features = datasets.Features(label=datasets.ClassLabel(names=names))
    rows = datasets.Dataset.from_dict({"label": expected}, features)
    split = Split(rows, "made", "train", names, tmp_path, "image", "label")
    tracemalloc.start()
    labels = split.labels()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == "int32"
    # A list of Python's integers would take 36 bytes each.
    assert peak < 32 * len(labels), peak / len(labels)


def test_grayscale_and_unreadable_images(tmp_path):
    gray = Image.fromarray(np.full((20, 30), 77, "uint8"))
    square = Square(10)(np.asarray(gray.convert("RGB")))
    np.testing.assert_array_equal(square, np.full((10, 10, 3), 77))
    broken = io.BytesIO()
    gray.save(broken, "PNG")
    columns = photographs(6, 0)
    columns["image"][3] = {"bytes": broken.getvalue()[:40], "path": None}
    folder = save_dataset(tmp_path / "broken", train=columns)
    with pytest.raises(ValueError, match="Image 3 of the split 'train': it cannot be read"):
        load_images(str(folder), "train", Square(32), tmp_path / "cache")


def test_labels_are_integers(tmp_path):
    columns = photographs(6, 0)
    columns["label"] = ["red", "green", "blue"] * 2
    features = datasets.Features(image=datasets.Image(), label=datasets.Value("string"))
    rows = datasets.Dataset.from_dict(columns, features=features)
    (tmp_path / "data").mkdir()
    rows.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(ValueError, match=r"needs a column 'label' of integer labels"):
        load_images(str(tmp_path / "data"), "train", Square(32), tmp_path / "cache")


def test_held_out_rows_are_no_training_rows():
    kept, held_out = hold_out(100, 0.1, seed=3)
    assert len(held_out) == 10
    assert sorted([*kept, *held_out]) == list(range(100))
    np.testing.assert_array_equal(held_out, hold_out(100, 0.1, seed=3)[1])
    assert set(held_out) != set(hold_out(100, 0.1, seed=4)[1])
