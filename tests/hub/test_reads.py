"""A push parses each JSON file and each weights' header of a preset once."""

import collections
import contextlib
import json
import sys

import pytest

import keras_resblocks_plugin as krp
from tests.hub.test_kerashub_tasks import tiny_segmenter
from tests.tiny import tiny_classifier

_FILES = {
    "keras_resblocks_plugin>ResBlockBackbone": "config.json",
    "keras_resblocks_plugin>ResBlockImageClassifier": "task.json",
    "keras_resblocks_plugin>ResBlockImageClassifierPreprocessor": "preprocessor.json",
    "keras_resblocks_plugin>ResBlockImageConverter": "image_converter.json",
    "keras_hub>DeepLabV3Backbone": "config.json",
    "keras_hub>DeepLabV3ImageSegmenter": "task.json",
}
_KEYS = {
    "__metadata__": "safetensors",
    "weight_map": "model.weights.json",
    "keras_version": "metadata.json",
    "results": "training.json",
}
PRESET = {
    "config.json": 1,
    "task.json": 1,
    "preprocessor.json": 1,
    "image_converter.json": 1,
    "metadata.json": 1,
    "model.weights.json": 1,
    "safetensors": 1,
}


@contextlib.contextmanager
def parsed():
    """Counts what Python's JSON parser is given, by the file that it is the content of."""
    counts = collections.Counter()
    decode = json.JSONDecoder.decode.__code__

    def watch(frame, event, argument):
        if event == "call" and frame.f_code is decode:
            sys.setprofile(None)
            name = _file_of(json.loads(frame.f_locals["s"]))
            sys.setprofile(watch)
            if name:
                counts[name] += 1

    sys.setprofile(watch)
    try:
        yield counts
    finally:
        sys.setprofile(None)


def _file_of(content) -> str | None:
    if not isinstance(content, dict):
        return None
    known = [name for key, name in _KEYS.items() if key in content]
    return known[0] if known else _FILES.get(content.get("registered_name"))


def test_the_count_sees_every_parse(preset):
    with parsed() as counts:
        for _ in range(2):
            json.loads((preset / "config.json").read_text())
        with (preset / "metadata.json").open() as file:
            json.load(file)
    assert counts == {"config.json": 2, "metadata.json": 1}


def test_a_push_of_a_folder(hub, preset):
    with parsed() as counts:
        krp.push_to_hub(preset, "hf://user/name")
    assert counts == {**PRESET, "training.json": 1}


def test_a_push_of_a_model(hub):
    classifier = tiny_classifier()
    with parsed() as counts:
        krp.push_to_hub(classifier, "hf://user/name")
    assert counts == PRESET


def test_a_push_of_an_adapter(hub, tmp_path):
    classifier = tiny_classifier()
    krp.freeze(classifier, "lora")
    classifier.save_lora_weights(tmp_path / "mine" / "adapter.safetensors")
    with parsed() as counts:
        krp.push_to_hub(tmp_path / "mine", "hf://user/name")
    assert counts["safetensors"] == 1


def test_a_push_of_a_task_of_keras_hub(hub):
    with parsed() as counts:
        krp.push_to_hub(tiny_segmenter(), "hf://user/name")
    assert counts == {"config.json": 1, "task.json": 1, "metadata.json": 1}


def test_a_pull(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    with parsed() as counts:
        krp.pull_from_hub("hf://user/name", name="mine")
    assert counts == {**PRESET, "training.json": 1}


@pytest.mark.parametrize(
    "cls",
    [
        krp.ResBlockBackbone,
        krp.ResBlockImageClassifier,
        krp.ResBlockImageClassifierPreprocessor,
        krp.ResBlockImageConverter,
    ],
)
def test_loading(preset, cls):
    with parsed() as counts:
        cls.from_preset(preset)
    assert counts == {**PRESET, "training.json": 1}
