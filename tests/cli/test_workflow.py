"""From a dataset to an exported classifier, by commands alone."""

import json

import keras
import pytest
from PIL import Image


def test_from_a_dataset_to_an_exported_classifier(command, dataset, recipe, tmp_path):
    run, tuned, exported = (tmp_path / name for name in ("run", "tuned", "exported"))
    data = "--data", dataset

    code, output, _ = command("train", dataset, "--recipe", recipe, "--out", run, "--epochs", 2)
    assert (code, f"Saved {run / 'preset'}" in output) == (0, True)
    record = json.loads((run / "preset" / "training.json").read_text())
    assert record["recipe"]["epochs"] == 2

    code, output, errors = command("evaluate", run / "preset", *data, "--out", tmp_path / "wrong")
    measured = json.loads(output.splitlines()[-1])
    assert (code, measured["split"], measured["images"]) == (0, "validation", 30)
    assert measured["top1"] == pytest.approx(record["results"]["validation_top1"])
    assert f"top-1 {measured['top1']:.1%}, top-5 100.0%, expected calibration error" in errors
    assert "Worst classes" in errors
    assert f"Saved {tmp_path / 'wrong'}" in errors
    report = json.loads((tmp_path / "wrong" / "evaluation.json").read_text())
    for each in (*report["per_class"], *report["most_confused"][:5]):
        assert f"{each.get('accuracy', each.get('share')):.1%}" in errors

    options = "--strategy", "norm", "--epochs", 1, "--batch-size", 20, "--update-batch-norm"
    code, _, _ = command(
        *("finetune", "classification", run / "preset", "--data", dataset, "--out", tuned),
        *options,
    )
    record = json.loads((tuned / "preset" / "training.json").read_text())
    assert (code, record["recipe"]["strategy"]) == (0, "norm")
    assert record["recipe"]["batch_norm_statistics"] == "updated"

    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    picture = tmp_path / "picture.png"
    code, output, _ = command("explain", tuned / "preset", tmp_path / "red.png", "--out", picture)
    assert (code, output.count("%"), picture.is_file()) == (0, 3, True)

    code, output, errors = command(
        *("export", tuned / "preset", "--out", exported, "--formats", "savedmodel", "--runs", 0),
        *data,
    )
    if keras.config.backend() == "tensorflow":
        assert (code, (exported / "model" / "saved_model.pb").is_file()) == (0, True)
        assert "| savedmodel |" in output
    else:
        assert (code, "`KERAS_BACKEND` must be tensorflow" in errors) == (1, True)
