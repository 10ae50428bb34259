"""Decoded images are used again only for the settings that made them."""

import json

import datasets
import numpy as np
import pytest

from keras_resblocks_plugin.training import _provenance
from keras_resblocks_plugin.training.data._image_cache import unreadable_rows
from keras_resblocks_plugin.training.data._labelled_images import open_split
from keras_resblocks_plugin.training.data._readable_rows import readable_rows
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.detection import _data as _detection_data
from keras_resblocks_plugin.training.segmentation import _data as _segmentation_data
from tests.made_data import photographs, save_two_columns
from tests.training.decoded import load_images
from tests.training.detection.scenes import save_scenes
from tests.training.segmentation.streets import save_streets


def test_decoded_images_are_those_of_their_columns(tmp_path):
    data, cache = save_two_columns(tmp_path / "data"), tmp_path / "cache"
    plain = load_images(str(data), "validation", Square(32), cache)
    shifted = load_images(str(data), "validation", Square(32), cache, "image", "shape")
    np.testing.assert_array_equal(shifted.labels, (plain.labels + 1) % 3)
    dark = load_images(str(data), "validation", Square(32), cache, "dark", "label")
    assert dark.images.mean() < 0.6 * plain.images.mean()


def test_a_cache_of_an_earlier_version_is_not_found(dataset, tmp_path):
    split = open_split(str(dataset), "validation", tmp_path)
    old = f"validation-{split.dataset._fingerprint}-32"
    np.save(tmp_path / f"{old}-images.npy", np.zeros((30, 32, 32, 3), "uint8"))
    np.save(tmp_path / f"{old}-labels.npy", np.ones(30, "int32"))
    images = split.decode(Square(32))
    assert images.images.any()
    assert set(images.labels) == {0, 1, 2}


def test_a_cache_that_says_it_is_another_is_refused(dataset, tmp_path):
    split = open_split(str(dataset), "validation", tmp_path)
    split.decode(Square(32))
    (record,) = tmp_path.glob("*.json")
    record.write_text(record.read_text().replace('"square": 32', '"square": 64'))
    with pytest.raises(ValueError, match=r"`square` was 64, now 32\. Remove .*json"):
        split.decode(Square(32))


def test_unreadable_images_are_those_of_their_column(tmp_path):
    data = save_two_columns(tmp_path / "data")
    rows = datasets.Dataset.from_parquet(str(data / "train-00000-of-00001.parquet"))
    raw = rows.cast_column("dark", datasets.Image(decode=False)).to_dict()
    raw["dark"][4] = {"bytes": b"\xff\xd8\xff", "path": None}
    rows = datasets.Dataset.from_dict(raw, features=rows.features)
    rows.to_parquet(data / "train-00000-of-00001.parquet")
    found = []
    for column in ("image", "dark"):
        split = open_split(str(data), "train", tmp_path / "cache", column)
        found.append(unreadable_rows(split, Square(32)).tolist())
    assert found == [[], [4]]


def test_records_of_segmentation_and_detection_say_what_made_them(tmp_path):
    streets = save_streets(tmp_path / "streets", train=2)
    load = _segmentation_data.load_masked_images
    for size in (None, (15, 20)):
        images = load(str(streets), "train", tmp_path / "a", size, "image", "mask", False)
        assert images.size == (size or (30, 40))
    things = save_scenes(tmp_path / "things", train=2)
    for side in (16, 24):
        boxed = _detection_data.load_boxed_images(
            *(str(things), "train", tmp_path / "b", side, "image", "objects", False, False)
        )
        assert boxed.images.shape[0] == side
    for cache, key in (("a", "image_size"), ("b", "side")):
        records = [json.loads(file.read_text()) for file in (tmp_path / cache).glob("*.json")]
        assert len({str(record[_provenance.MADE_BY][key]) for record in records}) == 2


@pytest.mark.parametrize("unreadable", [[], [0, 5]])
def test_checked_images_are_not_decoded_again(tmp_path, unreadable):
    columns = photographs(12, 0)
    files = []
    for row, (image, label) in enumerate(zip(columns["image"], columns["label"], strict=True)):
        file = tmp_path / "data" / "train" / f"{label}" / f"{row:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)
        files.append(file)
    files = sorted(files)
    for row in unreadable:
        files[row].write_bytes(b"PNG")
    split = open_split(str(tmp_path / "data"), "train", tmp_path / "cache")
    rows = readable_rows(split, True, Square(16))
    assert rows.tolist() == [row for row in range(12) if row not in unreadable]
    # Nothing is left to decode.
    for file in files:
        file.unlink()
    images = split.decode(Square(16), rows)
    np.testing.assert_array_equal(images.labels, np.sort(columns["label"])[rows])
    # The strongest channel is the class.
    np.testing.assert_array_equal(np.argmax(images.images.mean((1, 2)), axis=1), images.labels)
    some = split.decode(Square(16), rows[::2])
    np.testing.assert_array_equal(some.images, images.images[::2])
    np.testing.assert_array_equal(some.labels, images.labels[::2])
