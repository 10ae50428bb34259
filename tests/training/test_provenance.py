"""What is kept is used again only for the settings that made it; the error names what differs."""

import json
import shutil

import _study_nets
import compare_finetuning
import datasets
import finetune
import numpy as np
import pytest
import report
import study
import train

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _jsonfile
from keras_resblocks_plugin.training import _provenance
from keras_resblocks_plugin.training.data import (
    _classification_data,
    _data,
)
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.detection import _data as _detection_data
from keras_resblocks_plugin.training.segmentation import _data as _segmentation_data
from tests.made_data import CLASSES, photographs, save_dataset
from tests.training.detection.scenes import save_scenes
from tests.training.segmentation.streets import save_streets

pytestmark = pytest.mark.slow


def run_main(script, monkeypatch, *args):
    """What a shell would start, in this process."""
    monkeypatch.setattr("sys.argv", [script.__name__, *map(str, args)])
    script.main(script.parse_args())


def save_preset(folder, block_type="bn", side=32):
    backbone = krp.ResBlockBackbone(block_type, [8], [1], [2], [8], [3], [2])
    converter = krp.ResBlockImageConverter(image_size=(side, side), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    krp.ResBlockImageClassifier(backbone, 2, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder


# === Runs ===
@pytest.fixture(scope="module")
def trained(dataset, recipe, tmp_path_factory):
    """A finished run of `train.py`, in one epoch."""
    folder = tmp_path_factory.mktemp("trained")
    quick = folder / "quick.toml"
    text = recipe.read_text().replace("warmup_epochs = 1", "warmup_epochs = 0")
    quick.write_text(text.replace("epochs = 3", "epochs = 1"))
    with pytest.MonkeyPatch.context() as patch:
        run_main(train, patch, quick, "--data", dataset, "--out", folder / "run")
    return quick, folder / "run"


@pytest.fixture
def run_again(trained, dataset, monkeypatch):
    """`run_again(*args, recipe=, data=)` starts `train.py` in the folder of the finished run."""

    def run(*args, recipe=trained[0], data=dataset):
        run_main(train, monkeypatch, recipe, "--data", data, "--out", trained[1], *args)

    return run


def test_another_recipe_and_seed_do_not_take_over_a_run(trained, run_again, tmp_path):
    other = tmp_path / "other.toml"
    text = trained[0].read_text().replace("learning_rate = 0.05", "learning_rate = 0.2")
    other.write_text(text.replace("holdout = 0.1", "holdout = 0.1\nlabel_smoothing = 0.2"))
    record = (trained[1] / "preset" / "training.json").read_bytes()
    with pytest.raises(ValueError, match="made with other settings") as caught:
        run_again("--seed", 1, recipe=other)
    for words in (
        *("`recipe.learning_rate` was 0.05, now 0.2", "`seed` was 0, now 1"),
        *("`recipe.label_smoothing` was 0.05, now 0.2", "another --out, or remove the folder"),
    ):
        assert words in str(caught.value)
    assert "`recipe.momentum`" not in str(caught.value)
    assert (trained[1] / "preset" / "training.json").read_bytes() == record


def test_other_data_start_and_columns_do_not_take_over_a_run(trained, run_again, tmp_path):
    data = save_dataset(tmp_path / "x", train=photographs(90, 3), validation=photographs(30, 1))
    with pytest.raises(ValueError, match=r"`data\.train\.fingerprint` was .*, now "):
        run_again(data=data)
    with pytest.raises(ValueError, match=r"`start\.weights` was not set, now "):
        run_again("--start", save_preset(tmp_path / "start"))
    with pytest.raises(ValueError, match=r'`data.validation.split` was "validation", now "train"'):
        run_again("--validation-split", "train")


def test_the_same_arguments_continue_and_what_changes_no_result_may_differ(run_again, tmp_path):
    run_again("--preset", tmp_path / "elsewhere", "--license", "mit")
    assert json.loads((tmp_path / "elsewhere" / "training.json").read_text())["epochs"] == 1


def test_a_run_without_a_record_is_refused(trained, dataset, tmp_path, monkeypatch):
    old = tmp_path / "old"
    shutil.copytree(trained[1], old)
    (old / "settings.json").unlink()
    with pytest.raises(ValueError, match="old has no record of the settings that made it"):
        run_main(train, monkeypatch, trained[0], "--data", dataset, "--out", old)


def test_a_run_does_not_replace_its_start(trained, dataset, tmp_path, monkeypatch):
    start = save_preset(tmp_path / "start")
    arguments = trained[0], "--data", dataset, "--out", tmp_path / "run", "--start", start
    with pytest.raises(ValueError, match="--start must be another folder"):
        run_main(train, monkeypatch, *arguments, "--preset", start)


def test_finetuning_from_a_preset_that_was_trained_again_is_another_run(dataset, tmp_path):
    preset, out = save_preset(tmp_path / "start"), tmp_path / "run"
    arguments = ["classification", preset, "--data", dataset, "--out", out, "--epochs", 1]

    def start(*args):
        finetune.main(finetune.parse_args([*map(str, (*arguments, *args))]))

    start()
    data = save_two_columns(tmp_path / "two")
    with pytest.raises(ValueError, match=r'`label_column` was "label"'):
        start("--data", data, "--label-column", "shape")
    save_preset(preset)
    with pytest.raises(ValueError, match=r"`start\.weights` was "):
        start()
    # From scratch the weights do not matter, so the same network is the same start.
    scratch = "--out", tmp_path / "scratch", "--from-scratch"
    start(*scratch)
    classifier = krp.ResBlockImageClassifier.from_preset(preset)
    classifier.backbone.set_weights([weight + 1 for weight in classifier.backbone.get_weights()])
    classifier.save_to_preset(str(preset))
    start(*scratch)
    save_preset(preset, "act")
    with pytest.raises(ValueError, match=r"`start\.architecture` was "):
        start(*scratch)


# === Caches ===
def save_two_columns(folder):
    """Images and labels in two columns each: the second images are dark, their labels shifted."""
    features = datasets.Features(
        **{name: datasets.Image() for name in ("image", "dark")},
        **{name: datasets.ClassLabel(names=CLASSES) for name in ("label", "shape")},
    )
    folder.mkdir()
    for seed, (split, count) in enumerate({"train": 90, "validation": 30}.items()):
        columns = photographs(count, seed)
        columns["dark"] = [image.point(lambda x: x // 2) for image in columns["image"]]
        columns["shape"] = [(label + 1) % 3 for label in columns["label"]]
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


def test_decoded_images_are_those_of_their_columns(tmp_path):
    data, cache = save_two_columns(tmp_path / "data"), tmp_path / "cache"
    plain = _data.load_images(str(data), "validation", Square(32), cache)
    shifted = _data.load_images(str(data), "validation", Square(32), cache, "image", "shape")
    np.testing.assert_array_equal(shifted.labels, (plain.labels + 1) % 3)
    dark = _data.load_images(str(data), "validation", Square(32), cache, "dark", "label")
    assert dark.images.mean() < 0.6 * plain.images.mean()


def test_a_cache_of_an_earlier_version_is_not_found(dataset, tmp_path):
    split = _data.open_split(str(dataset), "validation", tmp_path)
    old = f"validation-{split.dataset._fingerprint}-32"
    np.save(tmp_path / f"{old}-images.npy", np.zeros((30, 32, 32, 3), "uint8"))
    np.save(tmp_path / f"{old}-labels.npy", np.ones(30, "int32"))
    images = split.decode(Square(32))
    assert images.images.any()
    assert set(images.labels) == {0, 1, 2}


def test_a_cache_that_says_it_is_another_is_refused(dataset, tmp_path):
    split = _data.open_split(str(dataset), "validation", tmp_path)
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
    found = [
        _classification_data._unreadable(
            _data.open_split(str(data), "train", tmp_path / "cache", column)
        ).tolist()
        for column in ("image", "dark")
    ]
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


# === Results ===
def test_finished_runs_of_another_preset_dataset_or_precision_are_not_compared(
    small_comparison, dataset, tmp_path, monkeypatch
):
    preset = save_preset(tmp_path / "tiny")
    arguments = ["--out", tmp_path / "runs", "--images", 10, "--seeds", 0]
    arguments += ["--results", tmp_path / "results.json"]

    def compare(preset=preset, data=dataset, dtype="float32"):
        more = "--data", data, "--dtype", dtype
        compare_finetuning.main(
            compare_finetuning.parse_args([*map(str, (preset, *more, *arguments))])
        )

    compare()
    written = (tmp_path / "results.json").read_text()
    assert _provenance.MADE_BY not in written
    data = save_dataset(tmp_path / "x", train=photographs(90, 3), validation=photographs(30, 1))
    for change, words in (
        (
            {"preset": save_preset(tmp_path / "other", "act")},
            r'`start\.name` was "tiny", now "other"',
        ),
        ({"data": data}, r"`data\.train\.fingerprint` was"),
        ({"dtype": "mixed_bfloat16"}, '`dtype` was "float32", now "mixed_bfloat16"'),
    ):
        with pytest.raises(ValueError, match=words):
            compare(**change)
    # Retrained in its place, it is another preset.
    save_preset(preset)
    with pytest.raises(ValueError, match=r"`start\.weights` was"):
        compare()
    assert (tmp_path / "results.json").read_text() == written
    for file in (tmp_path / "runs").glob("*.json"):
        content = json.loads(file.read_text())
        del content[_provenance.MADE_BY]
        file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no record of the settings"):
        compare()


def test_a_study_does_not_take_runs_of_other_nets_or_columns(small_study, tmp_path, monkeypatch):
    data, out = save_two_columns(tmp_path / "data"), tmp_path / "out"

    def run_study(*args):
        where = "--data", data, "--cache", tmp_path / "cache", "--out", out
        run_main(study, monkeypatch, *where, "--runs", 1, *args)

    run_study()
    with pytest.raises(ValueError, match=r'`splits\.train\.image_column` was "image", now "dark"'):
        run_study("--image-column", "dark")
    monkeypatch.setitem(_study_nets.NETS, "bn", _study_nets.Net("bn", blocks=1, widths=(6,)))
    with pytest.raises(ValueError, match=r"`bn\.widths` was \[4\], now \[6\]"):
        run_study()
    (out / "study.json").unlink()
    with pytest.raises(ValueError, match="no record of the settings"):
        run_study()


def test_a_report_does_not_give_other_weights_the_figures(trained, tmp_path):
    presets = tmp_path / "presets"
    shutil.copytree(trained[1] / "preset", presets / "mine")
    assert list(report.read_presets(presets)) == ["mine"]
    classifier = krp.ResBlockImageClassifier.from_preset(presets / "mine")
    classifier.backbone.set_weights([weight + 1 for weight in classifier.backbone.get_weights()])
    classifier.save_to_preset(str(presets / "mine"))
    with pytest.raises(ValueError, match="those of other weights"):
        report.read_presets(presets)


# === Settings ===
def test_differences_name_both_values():
    kept = {"a": 1, "b": {"c": [1, 2], "d": None}, "gone": True}
    wanted = {"a": 1, "b": {"c": (1, 3), "d": None}, "new": "x"}
    assert _provenance.differences(kept, wanted) == [
        "`b.c` was [1, 2], now [1, 3]",
        '`new` was not set, now "x"',
        "`gone` was true, now not set",
    ]
    assert _provenance.differences(kept, dict(reversed(kept.items()))) == []
    assert _provenance.key(kept) != _provenance.key(wanted)


def test_a_folder_is_claimed_anew_until_something_is_kept_in_it(tmp_path):
    file = tmp_path / "run" / "settings.json"
    _provenance.claim(file, {"seed": 0}, False, "")
    _provenance.claim(file, {"seed": 1}, False, "")
    _provenance.claim(file, {"seed": 1}, True, "")
    with pytest.raises(ValueError, match=r"`seed` was 1, now 0\. Remove it\."):
        _provenance.claim(file, {"seed": 0}, True, "Remove it.")
    _jsonfile.write_json(tmp_path / "x.json", {"top1": 0.5})
    with pytest.raises(ValueError, match="no record"):
        _provenance.read_result(tmp_path / "x.json", {}, "")
