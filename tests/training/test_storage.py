"""Weights are stored in half the size where it costs no accuracy, and only there."""

import json

import keras_hub
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._weights import weights_digest
from keras_resblocks_plugin.training import _storage
from tests.tiny import photos, predict, tiny_classifier


@pytest.fixture
def saved(tmp_path):
    classifier = tiny_classifier()
    classifier.save_to_preset(str(tmp_path / "preset"))
    return classifier, tmp_path / "preset"


def test_weights_that_round_well_are_stored_rounded(saved):
    classifier, folder = saved
    size = (folder / "model.safetensors").stat().st_size
    exact, rounded = {"top1": 0.5, "top5": 0.9}, {"top1": 0.501, "top5": 0.899}
    measured = _storage.store_as_bfloat16(classifier, folder, exact, lambda: rounded)
    assert measured == rounded
    tensors = load_file(folder / "model.safetensors")
    dtypes = {tensor.ndim: tensor.dtype for tensor in tensors.values()}
    assert dtypes == {4: ml_dtypes.bfloat16, 1: "float32"}
    assert (folder / "model.safetensors").stat().st_size < size
    total = json.loads((folder / "model.weights.json").read_text())["metadata"]["total_size"]
    assert total == sum(tensor.nbytes for tensor in tensors.values())
    # The model in memory, whose accuracy was measured, is the one that loads.
    loaded = krp.ResBlockImageClassifier.from_preset(str(folder))
    np.testing.assert_array_equal(predict(loaded, photos()), predict(classifier, photos()))
    assert list(folder.parent.iterdir()) == [folder]
    # KerasHub's own loader compares the digests, which are those of the rounded weights.
    keras_hub.models.ImageClassifier.from_preset(str(folder))
    metadata = PresetFolder(folder).header("model.safetensors").metadata
    assert metadata["weights_sha256"] == weights_digest(tensors)


def test_weights_that_do_not_stay_exact(saved):
    classifier, folder = saved
    before, outputs = (folder / "model.safetensors").read_bytes(), predict(classifier, photos())
    exact, rounded = {"top1": 0.5}, {"top1": 0.4985}
    assert _storage.store_as_bfloat16(classifier, folder, exact, lambda: rounded) is None
    assert (folder / "model.safetensors").read_bytes() == before
    np.testing.assert_array_equal(predict(classifier, photos()), outputs)
