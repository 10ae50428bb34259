"""`train.py` and `evaluate.py`, as a shell runs them."""

import json
import re
import time

import keras_hub
import numpy as np
import pytest
import train
from _door import run

import keras_resblocks_plugin  # noqa: F401  (registers what the preset names)
from tests.fixtures import start_script
from tests.helpers import to_numpy
from tests.made_data import CLASSES, photographs, save_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def uninterrupted(dataset, recipe, tmp_path_factory):
    """A run that nothing disturbs: its folder, exit code, output and errors."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    process = start_script("train.py", recipe, "--data", dataset, "--out", folder)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    return folder, output


def test_a_run_saves_a_complete_preset(uninterrupted):
    folder, output = uninterrupted
    preset = folder / "preset"
    files = {path.name for path in preset.iterdir()}
    assert files >= {
        *("config.json", "metadata.json", "model.safetensors", "model.weights.json"),
        *("task.json", "task.weights.h5", "preprocessor.json", "image_converter.json"),
        *("training.json", "curve.png", "README.md"),
    }
    record = json.loads((preset / "training.json").read_text())
    assert record["epochs"] == 3
    assert record["data"]["train_images"] == 108
    assert f"validation_top1 {record['results']['validation_top1']:.4f}" in output

    classifier = keras_hub.models.ImageClassifier.from_preset(str(preset))
    assert classifier.class_names == CLASSES
    # The colours are told apart at a glance, so three epochs are enough for a net that learns.
    images = [np.asarray(image.resize((32, 32))) for image in photographs(30, 1)["image"]]
    labels = np.array(photographs(30, 1)["label"])
    guesses = np.argmax(classifier.predict(np.stack(images), verbose=0), axis=1)
    assert np.mean(guesses == labels) > 0.8


def test_a_checkpoint_loads_into_the_preset(uninterrupted):
    folder, _ = uninterrupted
    files = {file.name for file in (folder / "checkpoints").iterdir()}
    assert files == {"best.weights.h5", "epoch-0003.weights.h5"}
    preset = str(folder / "preset")
    classifier = keras_hub.models.ImageClassifier.from_preset(preset, compile=False)
    averaged = [to_numpy(weight) for weight in classifier.weights]
    classifier.load_weights(folder / "checkpoints" / "best.weights.h5")
    # As they were trained.
    weights = [to_numpy(weight) for weight in classifier.weights]
    assert not all(np.array_equal(a, b) for a, b in zip(weights, averaged, strict=True))
    colors = np.full((3, 32, 32, 3), 64, "uint8") + 100 * np.eye(3, dtype="uint8")[:, None, None]
    assert classifier.predict(colors, verbose=0).argmax(-1).tolist() == [0, 1, 2]


def test_evaluate_measures_what_the_record_says(uninterrupted, dataset, tmp_path, run_script):
    folder, _ = uninterrupted
    code, output, errors = run_script(
        *("evaluate.py", folder / "preset", "--data", dataset, "--cache", tmp_path / "cache")
    )
    assert code == 0, errors
    measured = json.loads(output.splitlines()[-1])
    results = json.loads((folder / "preset" / "training.json").read_text())["results"]
    assert measured["images"] == 30
    assert measured["top1"] == results["validation_top1"]


def test_a_run_starts_from_the_weights_of_another(uninterrupted, dataset, recipe, tmp_path):
    start, out = uninterrupted[0] / "preset", tmp_path / "run"
    still = tmp_path / "still.toml"
    # At a learning rate of zero the weights stay what they were, which shows what they were.
    still.write_text(
        re.sub("learning_rate = .*", "learning_rate = 0.0", recipe.read_text()).replace(
            "ema_momentum = 0.5", "ema_momentum = 0.0"
        )
    )
    arguments = still, "--start", start, "--epochs", 2, "--data", dataset, "--out", out
    process = start_script("train.py", *arguments)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    before, after = (
        keras_hub.models.ImageClassifier.from_preset(str(folder))
        for folder in (start, out / "preset")
    )
    for old, new in zip(before.trainable_weights, after.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, new)
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["start"]["epochs"] == 3
    assert "started from weights trained with" in (out / "preset" / "README.md").read_text()


def test_a_killed_run_resumes(uninterrupted, dataset, recipe, tmp_path, run_script):
    out = tmp_path / "run"
    history = out / "history.jsonl"
    process = start_script("train.py", recipe, "--data", dataset, "--out", out)
    # Once the first epoch is backed up, any moment is as good as another.
    while not (out / "backup" / "training_metadata.json").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.kill()
    process.communicate()
    done = len(history.read_text().splitlines())
    assert done < 3

    code, _, errors = run_script("train.py", recipe, "--data", dataset, "--out", out)
    assert code == 0, errors
    epochs = [json.loads(line) for line in history.read_text().splitlines()]
    whole = [json.loads(x) for x in (uninterrupted[0] / "history.jsonl").read_text().splitlines()]
    # No epoch runs twice but the one that was being saved, and the schedule continues.
    assert [epoch["epoch"] for epoch in epochs] in ([1, 2, 3], [1, 2, 2, 3])
    rates = {epoch["epoch"]: epoch["learning_rate"] for epoch in epochs}
    assert rates == {epoch["epoch"]: epoch["learning_rate"] for epoch in whole}
    # Bit by bit, with averaged weights and their recomputed statistics.
    weights = [
        (run / "preset" / "model.safetensors").read_bytes() for run in (out, uninterrupted[0])
    ]
    assert weights[0] == weights[1]


@pytest.fixture
def error_of(tmp_path):
    """`error_of(*args)` → what `train.py` prints as it ends, run in this process."""

    def error(*args):
        arguments = [*map(str, args), "--out", str(tmp_path / "run")]
        with pytest.raises(SystemExit) as exit_of:
            run(train.app, arguments)
        return str(exit_of.value)

    return error


def test_bad_input_is_one_line_before_training(dataset, recipe, tmp_path, error_of):
    unlabelled = save_dataset(tmp_path / "unlabelled", train=photographs(6, 0))
    typo = tmp_path / "typo.toml"
    typo.write_text("epoch = 3\n")
    warmup = tmp_path / "warmup.toml"
    warmup.write_text(recipe.read_text().replace("warmup_epochs = 1", "warmup_epochs = 9"))
    typo_within = tmp_path / "within.toml"
    typo_within.write_text(recipe.read_text().replace("block_type", "block_typ"))
    for arguments, words in (
        (("missing.toml", "--data", dataset), ["missing.toml"]),
        ((typo, "--data", dataset), ["typo.toml", "epochs", "Received: epoch"]),
        ((typo_within, "--data", dataset), ["within.toml", "[backbone]", "block_type"]),
        ((warmup, "--data", dataset), ["`warmup_epochs`", "warmup_epochs=9"]),
        ((recipe, "--data", dataset, "--label-column", "kind"), ["'kind'", "--label-column"]),
        ((recipe, "--data", unlabelled), ["'validation'"]),
        ((recipe, "--data", tmp_path / "nowhere"), ["nowhere"]),
    ):
        error = error_of(*arguments)
        assert error.startswith("error: ")
        assert "\n" not in error
        assert all(word in error for word in words), error


def test_an_error_is_an_exit_code_and_a_traceback_only_when_asked(run_script):
    arguments = "train.py", "missing.toml", "--data", "data", "--out", "run"
    code, output, errors = run_script(*arguments)
    assert (code, output) == (1, "")
    assert "Traceback" not in errors
    code, _, errors = run_script(*arguments, "--debug")
    assert code == 1
    assert "Traceback" in errors
