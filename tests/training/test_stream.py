"""Images that are decoded whenever they are needed, beside those that are decoded once."""

import io
import itertools
import json
import tarfile
import warnings

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import (
    Augmentation,
    ClassificationConfig,
    EvaluateConfig,
    TrainConfig,
    evaluate,
    finetune,
    train,
)
from keras_resblocks_plugin.training.data._images import UnreadableImage
from keras_resblocks_plugin.training.data._input_mode import choose_mode, total_memory
from keras_resblocks_plugin.training.data._labelled_images import open_split
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.data._sources import EncodedImages, load
from keras_resblocks_plugin.training.data._training import AugmentedBatches
from tests.made_data import CLASSES, photographs
from tests.training.made_presets import save_preset

RECIPE = """
image_size = 16
epochs = 1
warmup_epochs = 0
batch_size = 8
holdout = 0.2
crop_probability = 0.5
max_unreadable = {}

[backbone]
block_type = "bn"
stackwise_num_filters = [4]
stackwise_num_blocks = [1]
stackwise_num_strides = [1]
input_conv_filters = [4]
input_conv_kernel_sizes = [3]
input_conv_strides = [2]
"""


@pytest.fixture
def folder(tmp_path):
    """Images in folders, of which one of the training split cannot be read."""
    for split, count in (("train", 30), ("validation", 9)):
        columns = photographs(count, len(split))
        for row, (image, label) in enumerate(zip(columns["image"], columns["label"], strict=True)):
            file = tmp_path / "data" / split / CLASSES[label] / f"{row:02}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            image.save(file)
    broken = tmp_path / "data" / "train" / "blue" / "05.png"
    broken.write_bytes(broken.read_bytes()[:300])
    return tmp_path / "data"


def recipe_in(folder, max_unreadable):
    (folder / "recipe.toml").write_text(RECIPE.format(max_unreadable))
    return folder / "recipe.toml"


def encoded(folder, cache):
    split = open_split(str(folder), "train", cache)
    return EncodedImages(split, np.arange(len(split)), split.labels())


def batches_of(images, augmentation=None, **options):
    augmentation = augmentation or Augmentation(mixup_alpha=0.2)
    return AugmentedBatches(
        images, np.arange(len(images)), 10, augmentation, (16, 16), 0, **options
    )


def test_training_and_evaluation_store_nothing_and_measure_the_same(folder, tmp_path):
    out = tmp_path / "run"
    config = TrainConfig(data=str(folder), recipe=recipe_in(tmp_path, 1), out=out, input="stream")
    with pytest.warns(UserWarning, match=r"05\.png\): it cannot be read"):
        train(config)
    assert list(out.glob("cache/*")) == [out / "cache" / "datasets"]
    figures = [
        evaluate(EvaluateConfig(preset=str(out / "preset"), data=str(folder), input=mode))
        for mode in ("stream", "array")
    ]
    assert figures[0] == figures[1]


def test_one_unreadable_image_more_than_the_recipe_allows_is_an_error(folder, tmp_path):
    config = TrainConfig(
        data=str(folder),
        recipe=recipe_in(tmp_path, 0),
        out=tmp_path / "run",
        input="stream",
    )
    with pytest.raises(ValueError, match=r"05\.png.*`max_unreadable`. Received: 1 such images"):
        train(config)


def test_finetuning_replaces_unreadable_images_if_asked(folder, tmp_path):
    preset = save_preset(tmp_path / "preset", side=16)
    config = ClassificationConfig(
        preset=str(preset),
        data=str(folder),
        out=tmp_path / "run",
        epochs=1,
        batch_size=10,
        input="stream",
        skip_unreadable=True,
    )
    with pytest.warns(UserWarning, match=r"05\.png.* Another image replaces it"):
        finetune(config)
    assert list(tmp_path.glob("run/cache/*")) == [tmp_path / "run" / "cache" / "datasets"]


def test_a_replacement_leaves_all_other_images_in_their_places(folder, tmp_path):
    images = encoded(folder, tmp_path / "cache")
    bad = next(row for row in range(30) if images.split.where(row).endswith("05.png)"))
    good = EncodedImages(images.split, np.delete(images.rows, bad), np.delete(images.labels, bad))
    assert len([good[row] for row in range(29)]) == 29
    with pytest.raises(UnreadableImage):
        images[bad]

    def make():
        with warnings.catch_warnings(action="ignore"):
            batches = batches_of(images, max_unreadable=1)
            return [batches(step) for step in range(6)]

    for (x, y), (again, labels) in zip(make(), make(), strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)
    # In another order of reading, too.
    with warnings.catch_warnings(action="ignore"):
        x, _ = batches_of(images, max_unreadable=1)(5)
    np.testing.assert_array_equal(x, make()[5][0])


def test_streamed_and_decoded_images_make_equal_batches(dataset, tmp_path):
    split = open_split(str(dataset), "train", tmp_path)
    rows = np.arange(len(split))
    decoded = batches_of(load(split, Square(16), rows, "array"))
    streamed = batches_of(load(split, None, rows, "stream"))
    for step in (0, 1, 13):
        for ours, theirs in zip(streamed(step), decoded(step), strict=True):
            np.testing.assert_array_equal(ours, theirs)


# No backend changes what is read.
@pytest.mark.slow
def test_two_inputs_train_the_same_network(dataset, tmp_path):
    found = []
    for mode in ("stream", "array"):
        recipe = recipe_in(tmp_path, 0)
        longer = {
            "epochs = 1": "epochs = 3",
            "batch_size = 8": "batch_size = 8\nlearning_rate = 0.05",
        }
        for old, new in longer.items():
            recipe.write_text(recipe.read_text().replace(old, new))
        config = TrainConfig(data=str(dataset), recipe=recipe, out=tmp_path / mode, input=mode)
        train(config)
        results = json.loads((config.preset_folder / "training.json").read_text())["results"]
        history = (config.out / "history.jsonl").read_text().splitlines()
        found.append((results["validation_top1"], json.loads(history[-1])["loss"]))
    (accuracy, loss), (other_accuracy, other_loss) = found
    # The colours are told apart at a glance.
    assert accuracy > 0.8
    assert abs(accuracy - other_accuracy) < 0.2
    # Crops are taken out of the whole picture, and out of the decoded square.
    assert loss != other_loss
    assert abs(loss - other_loss) < 0.25


# No backend changes what is read.
@pytest.mark.slow
def test_tar_shards_are_trained_on(tmp_path):
    """The files of a row have one name, and their suffixes name the columns."""
    rows = {"train": 24, "validation": 6}
    for (split, count), shard in itertools.product(rows.items(), range(2)):
        columns = photographs(count, shard)
        (tmp_path / "data").mkdir(exist_ok=True)
        with tarfile.open(tmp_path / "data" / f"{split}-{shard}.tar", "w") as tar:
            for row, (image, label) in enumerate(zip(*columns.values(), strict=True)):
                content = io.BytesIO()
                image.save(content, "JPEG")
                for suffix, data in {"jpg": content.getvalue(), "cls": b"%d" % label}.items():
                    entry = tarfile.TarInfo(f"{split}{shard}{row:02}.{suffix}")
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))
    config = TrainConfig(
        data=str(tmp_path / "data"),
        recipe=recipe_in(tmp_path, 0),
        out=tmp_path / "run",
        image_column="jpg",
        label_column="cls",
        input="stream",
    )
    train(config)
    record = json.loads((config.preset_folder / "training.json").read_text())
    assert record["data"]["train_images"] + record["data"]["held_out_images"] == 48
    assert record["data"]["validation_images"] == 12


def test_images_that_do_not_fit_in_memory_are_refused_or_streamed(dataset, tmp_path):
    memory = total_memory()
    assert choose_mode("auto", memory // 3) == choose_mode("array", memory) == "array"
    assert choose_mode("auto", memory - 1) == choose_mode("stream", 1) == "stream"
    with pytest.raises(ValueError, match=r"needs 9,000.0 GB of memory .* `input='stream'`"):
        choose_mode("array", 9 * 10**12)
    with pytest.raises(ValueError, match="`input` must be one of 'auto', 'stream', 'array'"):
        choose_mode("disk", 1)
    # 120 images of 97,200 pixels a side, found before anything is decoded.
    recipe = recipe_in(tmp_path, 0)
    recipe.write_text(recipe.read_text().replace("image_size = 16", "image_size = 97200"))
    config = TrainConfig(data=str(dataset), recipe=recipe, out=tmp_path / "run", input="array")
    with pytest.raises(ValueError, match=r"needs [\d,.]+ GB of memory"):
        train(config)


@pytest.mark.skipif(keras.config.backend() == "jax", reason="JAX is the backend that can.")
def test_images_on_the_device_need_jax(dataset, tmp_path):
    recipe = recipe_in(tmp_path, 0)
    config = TrainConfig(data=str(dataset), recipe=recipe, out=tmp_path / "run", input="device")
    with pytest.raises(ValueError, match="needs the JAX backend: set KERAS_BACKEND=jax"):
        train(config)
