"""The images that fine-tuning for classification reads: checked, chosen and decoded once."""

import io
import json

import numpy as np
import psutil
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.classification import _batches
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from tests.made_data import photographs, save_dataset
from tests.training.classification.test_finetune import start
from tests.training.made_presets import save_preset


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    return save_preset(tmp_path_factory.mktemp("preset") / "tiny")


def changed_dataset(folder, change=None, **columns):
    """The made dataset, with other columns of the training split."""
    train = {**photographs(12, 0), **columns}
    if change:
        change(train)
    return save_dataset(folder, train=train, validation=photographs(6, 1))


def unreadable(columns):
    file = io.BytesIO()
    columns["image"][3].save(file, "PNG")
    for row in (3, 5):
        columns["image"][row] = {"bytes": file.getvalue()[:60], "path": None}


def test_unreadable_images_are_named_and_skipped_if_asked(preset, tmp_path):
    data = changed_dataset(tmp_path / "broken", unreadable)
    few = {"epochs": 1, "batch_size": 10}
    for more in ({}, {"images_per_class": 2}):
        with pytest.raises(ValueError, match=r"2 images .* rows train 3, 5\..*--skip-unreadable"):
            start(preset, data, tmp_path / "run", **few, **more)
    out = start(preset, data, tmp_path / "run", **few, skip_unreadable=True)
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["data"]["train_images"] == 10
    assert record["data"]["unreadable_images_left_out"] == 2


@pytest.fixture
def opened(monkeypatch):
    """The images that Pillow opens, by content."""
    opened, real_open = [], Image.open

    def count_and_open(file, *args, **kwargs):
        opened.append(file.getvalue())
        return real_open(file, *args, **kwargs)

    monkeypatch.setattr(Image, "open", count_and_open)
    return opened


def test_images_are_decoded_once(preset, opened, tmp_path):
    data = changed_dataset(tmp_path / "data")
    options = {"batch_size": 4, "epochs": 1, "held_out_per_class": 1}
    out = start(preset, data, tmp_path / "run", **options)
    assert len(set(opened)) == 12 + 6
    # The first image of each split is read once more, for the size of all.
    assert len(opened) <= 12 + 6 + 2
    opened.clear()
    # A run that is started again decodes none.
    start(preset, data, out, **options)
    assert opened == []


def test_bad_input_is_one_error_before_training(preset, dataset, tmp_path):
    one_class = changed_dataset(tmp_path / "one", label=[1] * 12)
    unknown = changed_dataset(tmp_path / "unknown", label=[0, 1, 2] * 3 + [0, 1, -1])
    for number, (data, options, words) in enumerate(
        (
            (dataset, {"image_column": "photo"}, r"needs a column 'photo'.*--image-column"),
            (dataset, {"label_column": "kind"}, r"needs a column 'kind'.*--label-column"),
            (dataset, {"validation_split": "test"}, "split 'test'"),
            (one_class, {}, "two classes or more.*1 classes in 12 images"),
            (unknown, {}, r"must be in \[0, 3\).*-1 in row 11"),
            (dataset, {"images_per_class": 41}, "41 images of each class.*red 40"),
            (dataset, {"images_per_class": 38, "held_out_per_class": 3}, "41 images"),
            (dataset, {"images_per_class": 5}, "at most the number of training images, 15"),
        )
    ):
        with pytest.raises(ValueError, match=words):
            start(preset, data, tmp_path / f"run{number}", **options)
        assert not (tmp_path / f"run{number}" / "history.jsonl").exists()


def test_memory_stays_flat_over_an_epoch(tmp_path):
    size, count, batch = 128, 4000, 100
    # 197 MB, which the file system need not even store.
    pixels = np.lib.format.open_memmap(
        tmp_path / "images.npy", "w+", "uint8", (count, size, size, 3)
    )
    pixels.flush()
    pixels = np.load(tmp_path / "images.npy", mmap_mode="c")
    images = ImageSet(pixels, np.zeros(count, "int32"), ["a", "b"])
    converter = krp.ResBlockImageConverter(image_size=(size, size), scale=1.0)
    batches = iter(_batches.training_batches(images, batch, converter, 0))
    own = []
    for _ in range(count // batch + 10):
        next(batches)
        memory = psutil.Process().memory_info()
        # Pages that the system can drop and read again from the file do not count.
        own.append(memory.rss - memory.shared)
    # After ten batches all buffers are there. Ten more, of 20 MB each, may come and go.
    assert max(own[10:]) - own[10] < 100e6, [x >> 20 for x in own]
