"""A process that saves two states in turn, for tests that read at the same time.

Run as `python -m tests.saving.saver FOLDER`, it saves a classifier to `FOLDER/preset`, an adapter
to `FOLDER/adapter` and a folder for timm to `FOLDER/timm` until it is killed, all of state 0 or
all of state 1.
"""

import contextlib
import itertools
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import keras
import numpy as np

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.tiny import tiny_backbone, tiny_classifier


@contextlib.contextmanager
def saving_forever(folder: pathlib.Path) -> Iterator[None]:
    """A process that saves to `folder` in the meantime."""
    root = pathlib.Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.saving.saver", str(folder)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield
            assert process.poll() is None
        finally:
            process.kill()


def names(state: int) -> list[str]:
    return [f"{state}{letter}" for letter in "abc"]


def classifier(state: int) -> krp.ResBlockImageClassifier:
    """A classifier of which every part tells its state."""
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=state + 1.0)
    model = tiny_classifier(
        tiny_backbone(freeze_batch_norm=bool(state)),
        class_names=names(state),
        preprocessor=krp.ResBlockImageClassifierPreprocessor(converter),
    )
    return _filled(model, model.weights, state)


def states(model: keras.Model) -> set[float]:
    """The states that the weights of a model are of: one, unless it is a mixture."""
    arrays = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    return {float(value) for array in arrays for value in np.unique(array)}


def assert_one_save(model: krp.ResBlockImageClassifier) -> float:
    """All parts of a classifier are of one save; returns which that is."""
    (state,) = states(model)
    assert model.class_names == names(int(state))
    assert model.backbone.freeze_batch_norm == bool(state)
    assert model.preprocessor.image_converter.scale == state + 1
    return state


def _filled(model: keras.Model, weights: list[keras.Variable], state: int) -> keras.Model:
    for weight in weights:
        weight.assign(keras.ops.full(weight.shape, state, weight.dtype))
    return model


def _with_adapter(state: int) -> krp.ResBlockImageClassifier:
    model = tiny_classifier(class_names=names(state))
    krp.freeze(model, "lora", rank=2)
    return _filled(model, [w for w in model.trainable_weights if "lora" in w.path], state)


def _like_timm(state: int) -> krp.ResBlockImageClassifier:
    model = krp.ResBlockImageClassifier(models.backbone("resnet18"), class_names=names(state))
    return _filled(model, model.weights, state)


def _main(folder: pathlib.Path) -> None:
    makers = (classifier, _with_adapter, _like_timm)
    classifiers, adapters, timms = [[make(n) for n in (0, 1)] for make in makers]
    for number in itertools.count():
        state = number % 2
        # Most of the time goes to the preset, which is read most often.
        for model in (*classifiers, *classifiers):
            model.save_to_preset(folder / "preset")
        adapters[state].save_lora_weights(folder / "adapter" / "adapter.safetensors")
        krp.convert.to_timm(timms[state], folder / "timm")
        if number == 0:
            print("ready", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _main(pathlib.Path(sys.argv[1]))
