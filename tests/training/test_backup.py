"""A killed run resumes from the last backup that can be read."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import _callbacks


@pytest.fixture
def model():
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    model = krp.ResBlockImageClassifier(backbone, num_classes=2, compile=False)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    return model


def _fit(model, folder, epochs):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 8, 8, 3)).astype("float32"), np.arange(8) % 2
    backup = _callbacks.Backup(folder)
    done = backup.restore(model) // 2
    arguments = {"batch_size": 4, "initial_epoch": done, "verbose": 0, "callbacks": [backup]}
    return model.fit(x, y, epochs=epochs, **arguments).epoch


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_truncated_backups_do_not_block_the_restart(model, tmp_path, damaged):
    assert _fit(model, tmp_path, 2) == [0, 1]
    for name in ("latest.weights.h5", "latest.weights.h5.bkp")[:damaged]:
        file = tmp_path / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    # Two good epochs in the last backup, one in that before it, none where both are damaged.
    assert _fit(model, tmp_path, 3) == list(range(2 - damaged, 3))


def test_new_weights_with_an_old_epoch_do_not_repeat_it(model, tmp_path):
    _fit(model, tmp_path, 2)
    metadata = tmp_path / "training_metadata.json"
    metadata.write_text((tmp_path / "training_metadata.json.bkp").read_text())
    assert _fit(model, tmp_path, 3) == [2]
    metadata.write_text('{"epoch"')
    assert _fit(model, tmp_path, 4)[-1] == 3
