"""Loads, predicts, fine-tunes and saves where TensorFlow cannot be imported.

Run in a process of its own, which `tests/test_without_tensorflow.py` does. Argument: an empty
folder.
"""

import importlib.util
import pathlib
import sys

import keras
import keras_hub
import numpy as np

import keras_resblocks_plugin as krp

assert importlib.util.find_spec("tensorflow") is None
folder = sys.argv[1]
keras.utils.set_random_seed(0)
images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3)).astype("uint8")
labels = np.array([0, 1, 2, 0, 1, 2])

classifier = krp.ResBlockImageClassifier.from_preset("resblock_bn_small")
(best, *_), *others = classifier.decode_predictions(classifier.predict(images, verbose=0))
assert len(others) == 5
assert 0 < best[1] <= 1

classifier = krp.ResBlockImageClassifier.from_preset(
    "resblock_bn_small", num_classes=3, class_names=["a", "b", "c"]
)
head = keras.ops.copy(classifier.output_dense.kernel)
history = classifier.fit(images, labels, validation_data=(images, labels), epochs=2, verbose=0)
assert np.isfinite([*history.history["loss"], *history.history["val_loss"]]).all()
assert keras.ops.any(head != classifier.output_dense.kernel)

classifier.save_to_preset(folder)
expected = classifier.predict(images, verbose=0)
for loader in (krp.ResBlockImageClassifier, keras_hub.models.ImageClassifier):
    loaded = loader.from_preset(folder)
    assert loaded.class_names == ["a", "b", "c"]
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-5)

# KerasHub's own tasks feed arrays through grain.
task = keras_hub.models.ImageClassifier(krp.ResBlockBackbone.from_preset(folder), num_classes=3)
assert np.isfinite(task.fit(images, labels, verbose=0).history["loss"]).all()

if importlib.util.find_spec("datasets") is not None:
    # The extra `training` is not in every environment without TensorFlow.
    from PIL import Image

    photos = pathlib.Path(f"{folder}-photos")
    photos.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image).save(photos / f"{index}.png")
    out = pathlib.Path(f"{folder}.parquet")
    config = krp.prediction.PredictConfig(
        preset=folder, data=str(photos), out=out, cache=pathlib.Path(f"{folder}-cache")
    )
    assert krp.prediction.predict(config) == {"rows": 6, "errors": 0}

assert "tensorflow" not in sys.modules
