"""The `PushToHub` callback: background pushes that never stop a training."""

import json
import tempfile
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
    """Writes given accuracies to the logs, and calls functions between epochs."""

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


def test_a_failing_hub_does_not_stop_the_training(hub, classifier, tmp_path):
    hub.inject(Fault("create_repo", times=99, status=501))
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    with pytest.warns(UserWarning, match=r"did not arrive .*501.*krp\.push_to_hub"):
        fit(classifier, callback, [0.25, 0.75, 0.5])
    assert "501" in callback.last_error
    assert hub.repos == {}
    hub.faults.clear()
    krp.push_to_hub(tmp_path / "best", "hf://user/name")
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")


def test_a_full_disk_does_not_stop_the_training(hub, classifier, tmp_path):
    (tmp_path / "full").write_text("no folder")
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
        with pytest.warns(UserWarning, match="did not arrive .*could not be copied"):
            fit(classifier, callback, [0.25, 0.75])
    # The next training has room again.
    fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.5])
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")


def test_a_failed_push_is_repeated_at_the_end(hub, classifier, tmp_path):
    hub.inject(Fault("create_repo", times=99, status=501))
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    fit(classifier, callback, [0.5, 0.25, 0.25], {2: lambda: hub.faults.clear()})
    assert callback.last_error is None
    assert on_hub(hub, "user/name") == contents(tmp_path / "best")


def test_a_second_training_keeps_a_better_preset(hub, classifier, tmp_path):
    fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.75])
    before = contents(tmp_path / "best")
    fit(classifier, krp.PushToHub("hf://user/name", tmp_path / "best"), [0.5])
    assert contents(tmp_path / "best") == before == on_hub(hub, "user/name")


def test_invalid_arguments_are_refused_before_training(hub, classifier, tmp_path, monkeypatch):
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


def test_a_monitor_missing_from_the_logs_warns(hub, classifier, tmp_path):
    callback = krp.PushToHub("hf://user/name", tmp_path / "best", monitor="val_loss")
    with pytest.warns(UserWarning, match="`monitor` must be in the logs: loss, .*val_accuracy"):
        fit(classifier, callback, [0.5])
    assert not (tmp_path / "best").exists()


def warnings_of(action, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action(*args)
    return " ".join(str(warning.message) for warning in caught)


@pytest.mark.parametrize("endpoint", ["create_repo", "upload", "commit"])
def test_training_does_not_wait_for_a_silent_hub(hub, classifier, tmp_path, monkeypatch, endpoint):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    hub.inject(Fault(endpoint, times=99, silent=True))
    folder = tmp_path / "best"
    callback = krp.PushToHub("hf://user/name", folder)
    warned = warnings_of(fit, classifier, callback, [0.5])
    # After one deadline there is no second request.
    assert len(hub.sent(endpoint)) == 1
    call = f"krp.push_to_hub({str(folder)!r}, 'hf://user/name')"
    assert call in warned
    assert "no answer within 1" in warned
    hub.reset()
    eval(call, {"krp": krp})
    assert on_hub(hub, "user/name") == contents(folder)


def test_training_does_not_wait_for_an_answer_byte_by_byte(hub, classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 2)
    hub.repo()
    # Each piece arrives within the deadline.
    hub.inject(Fault("model_info", slow=10.0))
    callback = krp.PushToHub("hf://user/name", tmp_path / "best")
    warned = warnings_of(fit, classifier, callback, [0.5])
    assert "did not finish its response" in warned
    assert "krp.push_to_hub" in warned
