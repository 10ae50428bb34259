"""Datasets as people have them: other orders of classes, missing labels, files of every kind."""

import json
import re

import choose_learning_rate
import datasets
import evaluate
import numpy as np
import pytest
import train

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.data import _classes
from keras_resblocks_plugin.training.data._labelled_images import open_split
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.detection import _data as _detection_data
from tests.fixtures import call_script
from tests.made_data import CLASSES, photographs, save_dataset
from tests.training.decoded import load_images
from tests.training.detection.scenes import save_scenes
from tests.training.test_divergence import save_preset

pytestmark = pytest.mark.slow


def save_split(folder, split, names, columns, shard="00000-of-00001", label=None):
    features = datasets.Features(
        image=datasets.Image(), label=label or datasets.ClassLabel(names=names)
    )
    folder.mkdir(exist_ok=True)
    rows = datasets.Dataset.from_dict(columns, features=features)
    rows.to_parquet(folder / f"{split}-{shard}.parquet")
    return folder


def run_main(script, monkeypatch, *args):
    call_script(script.__name__, *args)


# === Classes in another order ===
def save_reversed(folder):
    """The validation file lists the classes from last to first; each image is still its name's."""
    columns = photographs(30, 1)
    columns["label"] = [2 - label for label in columns["label"]]
    save_split(folder, "train", CLASSES, photographs(60, 0))
    return save_split(folder, "validation", CLASSES[::-1], columns)


def test_splits_are_mapped_by_the_names_of_their_own_files(tmp_path, monkeypatch, capsys):
    data = save_reversed(tmp_path / "data")
    images = load_images(str(data), "validation", Square(32), tmp_path / "cache")
    # The strongest channel is the class.
    assert images.class_names == CLASSES
    np.testing.assert_array_equal(np.argmax(images.images.mean((1, 2)), axis=1), images.labels)
    # Measured so, too: as on a copy whose files agree.
    copy = save_dataset(tmp_path / "copy", train=photographs(60, 0), validation=photographs(30, 1))
    preset = save_preset(tmp_path / "preset")
    top1 = []
    for folder in (data, copy):
        run_main(evaluate, monkeypatch, preset, "--data", folder, "--cache", tmp_path / "cache")
        top1.append(json.loads(capsys.readouterr().out.splitlines()[-1])["top1"])
    assert top1[0] == top1[1]


def test_splits_of_other_classes_and_files_that_disagree_are_refused(tmp_path):
    data = save_reversed(tmp_path / "data")
    save_split(data, "train", CLASSES, photographs(30, 0), "00000-of-00002")
    save_split(data, "train", CLASSES[::-1], photographs(30, 0), "00001-of-00002")
    (data / "train-00000-of-00001.parquet").unlink()
    with pytest.raises(ValueError, match=r"same classes in the same order\. Received: .*00000-of"):
        open_split(str(data), "train", tmp_path / "cache")
    other = save_split(tmp_path / "other", "train", CLASSES, photographs(30, 0))
    save_split(other, "validation", ["red", "green", "pink"], photographs(30, 0))
    assert open_split(str(other), "validation", tmp_path / "cache").class_names[2] == "pink"


def test_boxes_of_classes_in_another_order_are_refused(tmp_path):
    data = save_scenes(tmp_path / "data", train=2, validation=2)
    file = data / "validation-00000-of-00001.parquet"
    rows = datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "x"))
    features = rows.features.copy()
    names = features["objects"]["category"].feature.names
    features["objects"]["category"] = datasets.Sequence(datasets.ClassLabel(names=names[::-1]))
    content = rows.cast_column("image", datasets.Image(decode=False)).to_dict()
    datasets.Dataset.from_dict(content, features=features).to_parquet(file)
    arguments = tmp_path / "cache", 16, "image", "objects", False, False
    assert _detection_data.load_boxed_images(str(data), "train", *arguments).images.count == 2
    with pytest.raises(ValueError, match="must list the classes of the first split"):
        _detection_data.load_boxed_images(str(data), "validation", *arguments)


# === Labels ===
@pytest.mark.parametrize(
    ("labels", "feature", "words"),
    [
        ([0, None, 2, 0, None, 2], None, "none in 2 rows: 1, 4"),
        ([0, 1, 2, 0, 1, 7], datasets.Value("int64"), None),
        (["a", "b"] * 3, datasets.Value("string"), r"class_encode_column\('label'\)"),
    ],
)
def test_labels_that_are_none_are_named(tmp_path, labels, feature, words):
    columns = {**photographs(6, 0), "label": labels}
    data = save_split(tmp_path / "data", "train", CLASSES, columns, label=feature)
    if words is None:
        assert len(open_split(str(data), "train", tmp_path / "cache").class_names) == 8
        return
    with pytest.raises(ValueError, match=words):
        load_images(str(data), "train", Square(8), tmp_path / "cache")


def test_a_newcomers_folder_trains_and_is_measured(messy, recipe, tmp_path, monkeypatch, capsys):
    small = tmp_path / "small.toml"
    text = re.sub(r"\bepochs = .*", "epochs = 1", recipe.read_text(), count=1)
    small.write_text(text.replace("warmup_epochs = 1", "warmup_epochs = 0"))
    out, cache = tmp_path / "run", tmp_path / "cache"
    arguments = small, "--data", messy, "--out", out
    named = r"Image \d+ of the split 'train' \(.*Bild 4 é\.png\): .*--skip-unreadable"
    with pytest.raises(ValueError, match=named):
        run_main(train, monkeypatch, *arguments)
    run_main(train, monkeypatch, *arguments, "--skip-unreadable")
    record = json.loads((out / "preset" / "training.json").read_text())
    results = record["results"]
    assert record["data"]["unreadable_images_left_out"] == 2
    errors = capsys.readouterr().err
    assert "Left out of the split 'train': 1 of 36 images" in errors
    assert "Left out of the split 'validation': 1 of 18 images" in errors
    measure = out / "preset", "--data", messy, "--cache", cache
    with pytest.raises(ValueError, match="--skip-unreadable"):
        run_main(evaluate, monkeypatch, *measure)
    run_main(evaluate, monkeypatch, *measure, "--skip-unreadable")
    measured = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert measured["images"] == 17
    assert measured["unreadable_images_left_out"] == 1
    assert measured["top1"] == results["validation_top1"]
    tuned = "classification", out / "preset", "--data", messy, "--out", tmp_path / "tuned"
    tuned += "--skip-unreadable", "--epochs", 1, "--batch-size", 10
    call_script("finetune", *tuned)

    choose = small, "--data", messy, "--cache", cache, "--rates", 0.01
    with pytest.raises(ValueError, match="--skip-unreadable"):
        run_main(choose_learning_rate, monkeypatch, *choose)
    run_main(choose_learning_rate, monkeypatch, *choose, "--skip-unreadable")
    tried = json.loads((tmp_path / "small.learning_rate.json").read_text())
    assert tried["made_by"]["unreadable_images_left_out"] == 1


def test_unnamed_classes_are_those_of_the_training_split(tmp_path, monkeypatch, capsys):
    data, number = tmp_path / "data", datasets.Value("int64")
    few = {"image": photographs(6, 1)["image"], "label": [0, 1] * 3}
    save_split(data, "train", None, photographs(12, 0), label=number)
    save_split(data, "validation", None, few, label=number)
    preset, cache = save_preset(tmp_path / "preset"), tmp_path / "cache"
    arguments = "--data", data, "--out", tmp_path / "run", "--epochs", 1, "--batch-size", 6
    call_script("finetune", "classification", *(preset, *arguments))
    tuned = krp.ResBlockImageClassifier.from_preset(str(tmp_path / "run" / "preset"))
    assert tuned.class_names == ["0", "1", "2"]
    # The same holds for the images that measure a preset.
    measure = tmp_path / "run" / "preset", "--data", data, "--cache", cache
    run_main(evaluate, monkeypatch, *measure)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["images"] == 6
    # A class that nothing was learnt of is named.
    more = {**few, "label": [0, 1, 5] * 2}
    save_split(data, "validation", None, more, label=number)
    with pytest.raises(ValueError, match=r"same classes as the split 'train'.*only there 3, 4, 5"):
        _classes.open_pair(str(data), "train", "validation", tmp_path / "new")
    with pytest.raises(ValueError, match=r"only there 0, 1, 2, 3, 4, 5; only in the preset .* red"):
        run_main(evaluate, monkeypatch, preset, "--data", data, "--cache", tmp_path / "new")


def test_fine_tuning_warns_of_a_class_without_images(tmp_path):
    columns = photographs(60, 0)
    columns["label"] = [label % 2 for label in columns["label"]]
    data = save_dataset(tmp_path / "data", train=columns, validation=photographs(6, 1))
    start = "classification", save_preset(tmp_path / "preset"), "--data", data
    start += "--out", tmp_path / "run", "--epochs", 1, "--batch-size", 60
    with pytest.warns(UserWarning, match=r"1 classes have no image to learn from.*: blue"):
        call_script("finetune", *start)
    for more in ("--images-per-class", 2), ("--held-out-per-class", 2):
        with pytest.raises(ValueError, match=r"images of each class.*blue 0"):
            call_script("finetune", *(*start, *more))


def test_a_class_without_images_is_warned_of(recipe, tmp_path, monkeypatch):
    columns = photographs(60, 0)
    columns["label"] = [label % 2 for label in columns["label"]]
    data = save_dataset(tmp_path / "data", train=columns, validation=photographs(6, 1))
    fast = tmp_path / "fast.toml"
    fast.write_text(recipe.read_text().replace("learning_rate = 0.05", "learning_rate = 1e35"))
    arguments = fast, "--data", data, "--out", tmp_path / "run"
    with (
        pytest.warns(UserWarning, match=r"1 classes have no image to learn from.*: blue"),
        pytest.raises(ValueError, match="diverged"),
    ):
        run_main(train, monkeypatch, *arguments)


def test_the_example_of_the_help_has_what_is_required():
    from pathlib import Path

    text = Path(choose_learning_rate.__file__).read_text()
    example = re.search(r'epilog="(.*?)",\n    \)', text, re.DOTALL)[1]
    required = re.findall(r'"(--[a-z-]+)",[^)]*required=True', text)
    assert [flag for flag in required if flag not in example] == []
