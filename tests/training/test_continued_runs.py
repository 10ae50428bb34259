"""A run resumes only with the settings that it was started with."""

import json
import shutil

import pytest
import report
import train

import keras_resblocks_plugin as krp
from tests.fixtures import call_script
from tests.made_data import photographs, save_dataset, save_two_columns

pytestmark = pytest.mark.slow


def run_main(script, monkeypatch, *args):
    """Runs the command in this process."""
    call_script(script.__name__, *args)


def save_preset(folder, block_type="bn", side=32):
    backbone = krp.ResBlockBackbone(block_type, [8], [1], [2], [8], [3], [2])
    converter = krp.ResBlockImageConverter(image_size=(side, side), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    krp.ResBlockImageClassifier(backbone, 2, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder


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
        *("`recipe.label_smoothing` was 0.05, now 0.2", "another `out`, or remove the folder"),
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
    with pytest.raises(ValueError, match="`start` must be another folder"):
        run_main(train, monkeypatch, *arguments, "--preset", start)


def test_finetuning_from_a_preset_that_was_trained_again_is_another_run(dataset, tmp_path):
    preset, out = save_preset(tmp_path / "start"), tmp_path / "run"
    arguments = ["classification", preset, "--data", dataset, "--out", out, "--epochs", 1]

    def start(*args):
        call_script("finetune", *(*arguments, *args))

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


def test_a_report_does_not_give_other_weights_the_figures(trained, tmp_path):
    presets = tmp_path / "presets"
    shutil.copytree(trained[1] / "preset", presets / "mine")
    assert list(report.read_presets(presets)) == ["mine"]
    classifier = krp.ResBlockImageClassifier.from_preset(presets / "mine")
    classifier.backbone.set_weights([weight + 1 for weight in classifier.backbone.get_weights()])
    classifier.save_to_preset(str(presets / "mine"))
    with pytest.raises(ValueError, match="those of other weights"):
        report.read_presets(presets)
