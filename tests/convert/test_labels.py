"""Names of the classes of timm's weights."""

import json

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.convert import models


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A small ResNet-18 of 1,000 classes in timm's format."""
    folder = tmp_path_factory.mktemp("timm") / "resnet18"
    model = krp.ResBlockImageClassifier(models.backbone("resnet18"), num_classes=1000)
    krp.convert.to_timm(model, folder)
    return folder


def load(folder, cls=krp.ResBlockImageClassifier, **settings):
    config = json.loads((folder / "config.json").read_text())
    label_names = settings.pop("label_names", None)
    config["pretrained_cfg"] |= {"tag": None, **settings}
    config["label_names"] = label_names
    (folder / "config.json").write_text(json.dumps(config))
    return cls.from_preset(folder)


@pytest.mark.parametrize("tag", ["a1_in1k", "sw_in12k_ft_in1k", "goog_in21k_ft_in1k_384", "in1k"])
def test_imagenets_names_by_the_tag(imagenet, tag):
    classifier = load(imagenet, tag=tag)
    names = classifier.class_names
    # Labels of the ImageNet challenge.
    expected = {
        0: "tench",
        1: "goldfish",
        207: "golden retriever",
        281: "tabby",
        999: "toilet tissue",
    }
    assert {label: names[label] for label in expected} == expected
    assert len(set(names)) == 1000
    decoded = classifier.decode_predictions(np.eye(1000)[[207]], top=1)
    assert decoded[0][0][0] == "golden retriever"


def test_the_tag_of_a_files_name_counts(imagenet, tmp_path):
    file = tmp_path / "resnet18.a1_in1k.safetensors"
    file.write_bytes((imagenet / "model.safetensors").read_bytes())
    assert krp.convert.from_timm(file).class_names[1] == "goldfish"


@pytest.mark.parametrize("tag", [None, "goog_in21k", "sw_in12k", "a1_in1kk", "main1k"])
def test_without_names_decoding_says_so(imagenet, tag):
    classifier = load(imagenet, tag=tag)
    assert classifier.class_names is None
    with pytest.warns(UserWarning, match=r"has no `class_names`.*named by their indices"):
        decoded = classifier.decode_predictions(np.eye(1000)[[207]], top=1)
    assert decoded[0][0][0] == "207"


def test_names_in_the_config_come_first(imagenet):
    names = [f"class {label}" for label in range(1000)]
    assert load(imagenet, tag="a1_in1k", label_names=names).class_names == names


def test_other_numbers_of_classes_have_no_names_of_imagenet(imagenet, tmp_path):
    krp.convert.to_timm(models.classifier("resnet18", class_names=None, num_classes=3), tmp_path)
    assert load(tmp_path, tag="a1_in1k").class_names is None
    # A new head has none either.
    load(imagenet, tag="a1_in1k")
    new = krp.ResBlockImageClassifier.from_preset(imagenet, num_classes=1000)
    assert new.class_names is None
