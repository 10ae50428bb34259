"""`finetune.py classification`, in small on made data."""

import io
import json
import time

import keras_hub
import numpy as np
import psutil
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import check_shareable_adapter, load_shareable
from keras_resblocks_plugin.training import _recipe, _training
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from tests.fixtures import call_script, start_script
from tests.helpers import TOLERANCE, to_numpy
from tests.made_data import CLASSES, photographs, save_dataset

PIXELS = np.stack([image.resize((32, 32)) for image in photographs(12, 7)["image"]])


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A classifier's preset, of other classes."""
    backbone = krp.ResBlockBackbone("bn", [8], [1], [2], [8], [3], [2])
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    krp.ResBlockImageClassifier(backbone, 2, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder


def arguments(preset, data, out, *more) -> list[str]:
    shared = "--data", data, "--out", out, "--batch-size", 20, "--learning-rate", 0.03
    return [str(value) for value in ("classification", preset, *shared, *more)]


def start(preset, data, out, *more):
    """What a shell would start, in this process."""
    call_script("finetune", *arguments(preset, data, out, *more))
    return out


def logits(classifier) -> np.ndarray:
    return to_numpy(classifier.predict(PIXELS, verbose=0))


@pytest.fixture(scope="module")
def finished(preset, dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    per_class = "--images-per-class", 20, "--held-out-per-class", 5
    return start(preset, dataset, out, "--strategy", "lora", "--epochs", 12, *per_class)


def test_a_run_saves_a_preset_that_kerashub_loads(finished):
    folder = finished / "preset"
    record = json.loads((folder / "training.json").read_text())
    classifier = keras_hub.models.ImageClassifier.from_preset(str(folder))
    assert classifier.class_names == CLASSES
    # The colours are told apart at a glance.
    guesses = np.argmax(logits(classifier), axis=1)
    assert np.mean(guesses == photographs(12, 7)["label"]) > 0.8
    assert record["results"]["validation_top1"] > 0.8
    assert record["results"].keys() == {
        f"{split}_{top}" for split in ("validation", "held_out") for top in ("top1", "top5")
    }
    assert {record["data"][f"{name}_images"] for name in ("train", "held_out")} == {60, 15}
    recipe = record["recipe"]
    assert (recipe["strategy"], recipe["rank"], recipe["batch_norm_statistics"]) == (
        *("lora", 4),
        "frozen",
    )
    assert record["start"] == {"preset": "tiny"}
    assert len(record["history"]) == 12
    assert (folder / "curve.png").exists()
    assert "validation" in (folder / "README.md").read_text()
    assert load_shareable(folder).backbone.freeze_batch_norm


def test_the_adapter_alone_gives_the_same(finished, preset):
    check_shareable_adapter(finished / "adapter")
    classifier = krp.ResBlockImageClassifier.from_preset(preset, num_classes=len(CLASSES))
    classifier.load_lora_weights(finished / "adapter")
    expected = logits(krp.ResBlockImageClassifier.from_preset(finished / "preset"))
    np.testing.assert_allclose(logits(classifier), expected, **TOLERANCE)
    assert classifier.class_names == CLASSES


def test_a_folder_goes_on_with_its_own_run_alone(finished, preset, dataset, capsys):
    before = (finished / "history.jsonl").read_text()
    per_class = "--images-per-class", 20, "--held-out-per-class", 5
    start(preset, dataset, finished, "--strategy", "lora", "--epochs", 12, *per_class)
    assert (finished / "history.jsonl").read_text() == before
    assert "validation_top1" in capsys.readouterr().out
    with pytest.raises(ValueError, match="made with other settings: `epochs` was 12, now 13"):
        start(preset, dataset, finished, "--strategy", "lora", "--epochs", 13, *per_class)


def test_a_killed_run_goes_on_where_it_was(preset, dataset, tmp_path):
    out = tmp_path / "run"
    line = "finetune.py", *arguments(preset, dataset, out, "--epochs", 4, "--strategy", "lora")
    killed = start_script(*line)
    # Once the first epoch is backed up, any moment is as good as another.
    while not (out / "backup" / "training_metadata.json").exists():
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    done = [json.loads(x)["epoch"] for x in (out / "history.jsonl").read_text().splitlines()]
    resumed = start_script(*line)
    assert resumed.wait() == 0, resumed.stderr.read()
    epochs = [json.loads(x) for x in (out / "history.jsonl").read_text().splitlines()]
    # None runs twice but the one that was being saved.
    assert [epoch["epoch"] for epoch in epochs] in (
        [1, 2, 3, 4],
        sorted([*done, *range(done[-1], 5)]),
    )
    assert (out / "preset" / "task.weights.h5").exists()


def test_from_scratch_learns_everything(preset, dataset, tmp_path):
    out = start(preset, dataset, tmp_path / "run", "--from-scratch", "--epochs", 1)
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["start"] == {"architecture": "tiny"}
    backbone = krp.ResBlockBackbone.from_preset(out / "preset")
    original = krp.ResBlockBackbone.from_preset(preset)
    assert not backbone.freeze_batch_norm
    for ours, theirs in zip(backbone.weights, original.weights, strict=True):
        assert not np.array_equal(to_numpy(ours), to_numpy(theirs)), ours.path


# === Bad input ===
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


def test_unreadable_images_are_named_and_skipped_when_asked(preset, tmp_path):
    data = changed_dataset(tmp_path / "broken", unreadable)
    few = "--epochs", 1, "--batch-size", 10
    with pytest.raises(ValueError, match=r"2 images .* rows train 3, 5\..*--skip-unreadable"):
        start(preset, data, tmp_path / "run", *few)
    out = start(preset, data, tmp_path / "run", *few, "--skip-unreadable")
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["data"]["train_images"] == 10
    assert record["data"]["unreadable_images_left_out"] == 2


def test_bad_input_is_one_error_before_training(preset, dataset, tmp_path):
    one_class = changed_dataset(tmp_path / "one", label=[1] * 12)
    unknown = changed_dataset(tmp_path / "unknown", label=[0, 1, 2] * 3 + [0, 1, -1])
    for number, (data, more, words) in enumerate(
        (
            (dataset, ("--image-column", "photo"), r"needs a column 'photo'.*--image-column"),
            (dataset, ("--label-column", "kind"), r"needs a column 'kind'.*--label-column"),
            (dataset, ("--validation-split", "test"), "split 'test'"),
            (one_class, (), "two classes or more.*1 classes in 12 images"),
            (unknown, (), r"must be in \[0, 3\).*-1 in row 11"),
            (dataset, ("--images-per-class", 41), "41 images of each class.*red 40"),
            (dataset, ("--images-per-class", 38, "--held-out-per-class", 3), "41 images"),
            (dataset, ("--images-per-class", 5), "at most the number of training images, 15"),
            (dataset, ("--epochs", 0), "--epochs must be above zero"),
            (dataset, ("--rank", 2), "--rank is that of `--strategy lora`"),
            (dataset, ("--from-scratch", "--strategy", "norm"), "nothing worth freezing"),
        )
    ):
        with pytest.raises(ValueError, match=words):
            start(preset, data, tmp_path / f"run{number}", *more)
        assert not (tmp_path / f"run{number}" / "history.jsonl").exists()


# === Larger than memory ===
def test_memory_stays_flat_over_an_epoch(tmp_path):
    size, count, batch = 128, 4000, 100
    # 197 MB that the file system need not even store.
    pixels = np.lib.format.open_memmap(
        tmp_path / "images.npy", "w+", "uint8", (count, size, size, 3)
    )
    pixels.flush()
    pixels = np.load(tmp_path / "images.npy", mmap_mode="c")
    images = ImageSet(pixels, np.zeros(count, "int32"), ["a", "b"])
    recipe = _recipe.Recipe({}, batch_size=batch, flip=False, translation=0.0)
    converter = krp.ResBlockImageConverter(image_size=(size, size), scale=1.0)
    batches = iter(_training.training_batches(images, np.arange(count), recipe, converter, 0))
    own = []
    for _ in range(count // batch + 10):
        next(batches)
        memory = psutil.Process().memory_info()
        # What the system can drop and read again from the file is not the process's own.
        own.append(memory.rss - memory.shared)
    # After ten batches all buffers are there; ten more, of 20 MB each, may come and go.
    assert max(own[10:]) - own[10] < 100e6, [x >> 20 for x in own]
