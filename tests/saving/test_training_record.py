"""`training.json` has one owner."""

import hashlib
import json
from pathlib import Path

import pytest

from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._source import Source
from keras_resblocks_plugin.saving._training_record import TrainingRecord
from keras_resblocks_plugin.training._runs import weights_digest
from tests.tiny import assert_refused

BUNDLED = sorted((Path(__file__).parents[2] / "presets").glob("*/training.json"))


@pytest.mark.parametrize("file", BUNDLED, ids=lambda file: file.parent.name)
def test_the_records_of_bundled_presets_are_saved_as_they_are(file, tmp_path):
    record = TrainingRecord.read(file.parent)
    record.save(tmp_path)
    assert (tmp_path / "training.json").read_bytes() == file.read_bytes()
    content = json.loads(file.read_text())
    assert record.results == content["results"]
    assert record.epochs == content["epochs"]


@pytest.mark.parametrize("file", BUNDLED, ids=lambda file: file.parent.name)
def test_bundled_figures_are_of_the_weights_and_of_all_classes(file):
    record = TrainingRecord.read(file.parent)
    task = json.loads((file.parent / "task.json").read_text())
    assert record.data["classes"] == len(task["config"]["class_names"])
    # Earlier records have no digest.
    assert record.weights in (None, weights_digest(file.parent))


def test_unknown_keys_and_null_stay_in_their_order(tmp_path):
    content = {"zebra": [1], "results": {"top1": None}, "start": None, "anything": {"a": 1}}
    TrainingRecord.from_json(content).save(tmp_path)
    assert (tmp_path / "training.json").read_text() == json.dumps(content, indent=2) + "\n"


def test_a_new_record_has_only_the_empty_fields_it_asks_for():
    record = TrainingRecord(license="mit", seed=0, null=("start", "note"))
    assert list(record.to_json().items()) == [
        *(("license", "mit"), ("start", None), ("seed", 0), ("note", None))
    ]


def test_a_changed_record_keeps_its_order_and_a_new_field_comes_last(tmp_path):
    record = TrainingRecord.from_json({"epochs": 1, "mine": 2})
    record.epochs, record.license = 3, "mit"
    record.save(tmp_path)
    assert json.loads((tmp_path / "training.json").read_text()) == record.to_json()
    assert list(record.to_json().items()) == [("epochs", 3), ("mine", 2), ("license", "mit")]


def test_a_folder_without_a_record(tmp_path):
    assert PresetFolder(tmp_path).record == TrainingRecord()
    assert_refused(lambda: TrainingRecord.read(tmp_path), "training.json` is missing")


def test_not_a_number_is_refused_and_the_old_record_stays(tmp_path):
    TrainingRecord(epochs=1).save(tmp_path)
    assert_refused(
        lambda: TrainingRecord(results={"top1": float("nan")}).save(tmp_path), "not JSON compliant"
    )
    assert TrainingRecord.read(tmp_path) == TrainingRecord(epochs=1)


def test_epochs_follow_those_of_the_run_before():
    start = {"history": [{"epoch": 1}, {"epoch": 2}]}
    record = TrainingRecord(start=start, history=[{"epoch": 1, "loss": 0.5}])
    assert record.whole_history == [{"epoch": 1}, {"epoch": 2}, {"epoch": 3, "loss": 0.5}]
    assert TrainingRecord(start="resblock_bn_small").whole_history == []


def test_the_source_of_a_conversion(tmp_path):
    file = tmp_path / "model.pth"
    file.write_bytes(b"weights")
    source = Source.of(file, license="mit", data="user/images")
    assert str(source) == str(file)
    source.record().save(tmp_path)
    digest = hashlib.sha256(b"weights").hexdigest()
    described = f"model.pth, SHA-256 {digest}"
    assert json.loads((tmp_path / "training.json").read_text()) == {
        "license": "mit",
        "start": {"converted from": described},
        "data": {"name": "user/images"},
    }
    assert Source.of(tmp_path).record().start == {"converted from": tmp_path.name}
