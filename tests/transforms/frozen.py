"""The models, and the weights that move in training, of the tests of freezing."""

import keras
import numpy as np

import keras_resblocks_plugin as krp
from tests import tiny
from tests.helpers import images, values

HEAD = {"predictions/kernel", "predictions/bias"}
STATISTICS = ("moving_mean", "moving_variance")
# Tracing and compiling take longer than these models train.
FAST = {"run_eagerly": True}
X, Y = images(3, 8, 8, 3), np.arange(3)


def tiny_classifier(*backbone) -> krp.ResBlockImageClassifier:
    return tiny.tiny_classifier(*backbone, preprocessor=None)


def moving(model, steps=1) -> set[str]:
    """Trains the model, and returns the paths of the weights that changed."""
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True), **FAST
    )
    before = values(model)
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return {path for path, value in values(model).items() if (value != before[path]).any()}


def paths(layer, *names) -> set[str]:
    return {w.path for w in layer.weights if not names or w.name in names}


def learnable(layer) -> set[str]:
    return paths(layer) - paths(layer, *STATISTICS)


def frozen(classifier) -> list[str]:
    return classifier.backbone.get_config()["frozen"]
