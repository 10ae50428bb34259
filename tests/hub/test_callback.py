"""Training pushes its best preset in the background, and goes on whatever the Hub does."""

import json
import tempfile
import time
import warnings

import keras
import numpy as np
import pytest
from huggingface_hub import constants

import keras_resblocks_plugin as krp
from tests.helpers import images
from tests.hub.outcomes import contents, on_hub
from tests.hub.server import Fault

LABELS = np.array([0, 1, 2, 0])


class Scripted(keras.callbacks.Callback):
    """Puts accuracies that are known beforehand into the logs, and can act between epochs."""

    def __init__(self, accuracies, between=()):
        super().__init__()
        self.accuracies, self.between = accuracies, dict(between)

    def on_epoch_end(self, epoch, logs=None):
        logs["val_accuracy"] = self.accuracies[epoch]
        self.between.get(epoch, lambda: None)()


@pytest.fixture
def classifier(preset):
    classifier = krp.ResBlockImageClassifier.from_preset(str(preset))
    classifier.preprocessor = None
    classifier.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return classifier


def fit(classifier, callback, accuracies, between=()):
    callbacks = [Scripted(accuracies, between), callback]
    classifier.fit(
        images(4, 8, 8, 3), LABELS, epochs=len(accuracies), callbacks=callbacks, verbose=0
    )


def test_the_best_epoch_arrives(hub, classifier, tmp_path):
    callback = krp.PushToHub("hf://user/name", tmp_path / "best", private=True)
    fit(classifier, callback, [0.25, 0.75, 0.5])
    assert callback.last_error is None
    assert hub.repo().private
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")
    assert callback.url == f"{hub.url}/user/name/commit/{hub.repo().find().id}"
    record = json.loads((tmp_path / "best" / "training.json").read_text())
    assert record == {"results": {"validation_accuracy": 0.75}, "epochs": 2}
    assert "| 0.75 |" in hub.repo().find().files["README.md"].content.decode()


def test_a_network_that_fails_does_not_stop_the_training(hub, classifier, tmp_path):
    hub.inject(Fault("create_repo", times=99, status=501))
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    with pytest.warns(UserWarning, match=r"did not arrive .*501.*krp\.push_to_hub"):
        fit(classifier, callback, [0.25, 0.75, 0.5])
    assert "501" in callback.last_error
    assert hub.repos == {}
    hub.faults.clear()
    krp.push_to_hub(tmp_path / "best", "hf://user/name")
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")


def test_no_room_for_a_copy_does_not_stop_the_training_either(hub, classifier, tmp_path):
    (tmp_path / "full").write_text("no folder")
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
        with pytest.warns(UserWarning, match="did not arrive .*could not be copied"):
            fit(classifier, callback, [0.25, 0.75])
    # There is room again at the end of the next training.
    fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.5])
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")


def test_what_failed_on_the_way_arrives_at_the_end(hub, classifier, tmp_path):
    hub.inject(Fault("create_repo", times=99, status=501))
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    fit(classifier, callback, [0.5, 0.25, 0.25], {2: lambda: hub.faults.clear()})
    assert callback.last_error is None
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")


def test_a_training_that_starts_again_keeps_what_was_better(hub, classifier, tmp_path):
    fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.75])
    before = contents(tmp_path / "best")
    fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.5])
    assert contents(tmp_path / "best") == before == on_hub(hub, "user/name")


def test_mistakes_are_said_before_training_starts(hub, classifier, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="`handle` must be"):
        krp.PushToHub("user/name", tmp_path)
    with pytest.raises(ValueError, match="`mode` must be"):
        krp.PushToHub("hf://user/name", tmp_path, mode="best")
    callback = krp.PushToHub("hf://user/name", tmp_path)
    callback.set_model(keras.Sequential([keras.layers.Dense(3)]))
    with pytest.raises(ValueError, match="needs a KerasHub task"):
        callback.on_train_begin()
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(OSError, match="hf auth login"):
        krp.PushToHub("hf://user/name", tmp_path)
    assert hub.requests == []


def test_a_monitor_that_the_logs_lack_is_said(hub, classifier, tmp_path):
    callback = krp.PushToHub("hf://user/name", tmp_path / "best", monitor="val_loss")
    with pytest.warns(UserWarning, match="`monitor` must be in the logs: loss, .*val_accuracy"):
        fit(classifier, callback, [0.5])
    assert not (tmp_path / "best").exists()


def timed_fit(classifier, callback, accuracies):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        start = time.monotonic()
        fit(classifier, callback, accuracies)
        seconds = time.monotonic() - start
    return seconds, " ".join(str(warning.message) for warning in said)


@pytest.mark.parametrize("endpoint", ["create_repo", "upload", "commit"])
def test_a_silent_hub_does_not_keep_a_training_from_its_end(
    hub, classifier, tmp_path, monkeypatch, endpoint
):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    fit(classifier, krp.PushToHub("hf://user/other", tmp_path / "other"), [0.25])
    hub.inject(Fault(endpoint, times=99, silent=True))
    folder = tmp_path / "best"
    seconds, said = timed_fit(classifier, krp.PushToHub("hf://user/name", folder), [0.5])
    assert seconds < 1 + 1.5
    call = f"krp.push_to_hub({str(folder)!r}, 'hf://user/name')"
    assert call in said
    assert "no answer within 1" in said
    hub.reset()
    eval(call, {"krp": krp})
    assert on_hub(hub, "user/name") == contents(folder)


def test_nor_does_one_whose_answer_comes_byte_by_byte(hub, classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    # The first training of all takes seconds more.
    fit(classifier, krp.PushToHub("hf://user/other", tmp_path / "other"), [0.25])
    hub.repo()
    # A piece every 0.8 seconds, before any deadline.
    hub.inject(Fault("model_info", slow=8.0))
    seconds, said = timed_fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.5])
    assert seconds < 4
    assert "does not come to the end of an answer" in said
    assert "krp.push_to_hub" in said
