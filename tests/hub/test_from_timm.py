"""`from_preset("hf://...")` on timm's repositories."""

import json

import huggingface_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.helpers import assert_same_values, to_numpy, values
from tests.hub.server import Fault
from tests.tiny import CLASS_NAMES, photos, predict

HANDLE = "hf://user/resnet18.mine"
CLASSES = (krp.ResBlockBackbone, krp.ResBlockImageClassifier)


@pytest.fixture(scope="module")
def model():
    """A small variant of ResNet-18."""
    return models.classifier("resnet18")


@pytest.fixture(scope="module")
def timm_folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("timm") / "resnet18"
    krp.convert.to_timm(model, folder)
    # timm's repositories have the same weights in two formats.
    (folder / "pytorch_model.bin").write_bytes(b"the same in another format")
    return folder


@pytest.fixture
def repository(hub, timm_folder):
    huggingface_hub.HfApi(token=hub.users_token).create_repo("user/resnet18.mine")
    repo = hub.repo("user/resnet18.mine")
    repo.edit({path.name: path.read_bytes() for path in timm_folder.iterdir()})
    hub.requests.clear()
    return repo


def downloaded(hub) -> list[str]:
    """The names of the files that were asked for: large ones come from the storage."""
    return [*dict.fromkeys(r.path.split("?")[0].split("/")[-1] for r in hub.sent("resolve"))]


def change_config(repository, **changes):
    config = json.loads(repository.find().files["config.json"].content)
    return repository.edit({"config.json": json.dumps({**config, **changes}).encode()})


def test_a_classifier(hub, repository, model):
    loaded = krp.ResBlockImageClassifier.from_preset(HANDLE)
    assert_same_values(loaded, model)
    assert loaded.class_names == CLASS_NAMES
    np.testing.assert_allclose(predict(loaded, photos()), predict(model, photos()), rtol=1e-6)
    assert downloaded(hub) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "changes",
    [{"architecture": "convnext_base"}, {"model_args": {"output_stride": 8}}],
    ids=str,
)
def test_a_network_that_cannot_be_built_is_refused_before_its_weights(
    hub, repository, cls, changes
):
    change_config(repository, **changes)
    hub.requests.clear()
    with pytest.raises(ValueError, match=r"`architecture`|`model_args`"):
        cls.from_preset(HANDLE)
    with pytest.raises(ValueError, match=r"`architecture`|`model_args`"):
        krp.convert.from_timm(HANDLE)
    assert downloaded(hub) == ["config.json"]
    assert hub.sent("download") == []


def test_a_backbone(hub, repository, model):
    loaded = krp.ResBlockBackbone.from_preset(HANDLE)
    assert_same_values(loaded, model.backbone)
    assert [*loaded.pyramid_outputs] == ["P2", "P3", "P4", "P5"]


def test_weights_are_not_downloaded_without_need(hub, repository, model):
    converter = krp.ResBlockImageConverter.from_preset(HANDLE, image_size=(32, 32))
    assert converter.image_size == (32, 32)
    assert converter.crop_fraction == 0.875
    preprocessor = krp.ResBlockImageClassifierPreprocessor.from_preset(HANDLE)
    assert preprocessor.image_converter.image_size == (40, 40)
    for cls in CLASSES:
        loaded = cls.from_preset(HANDLE, load_weights=False)
        kernel = getattr(loaded, "backbone", loaded).get_layer("stem0_conv").kernel
        assert not np.array_equal(to_numpy(kernel), to_numpy(model.backbone.weights[0]))
    assert loaded.class_names == CLASS_NAMES
    assert downloaded(hub) == ["config.json"]


def test_arguments_are_those_of_any_preset(hub, repository, model):
    load = krp.ResBlockImageClassifier.from_preset
    classifier = load(HANDLE, num_classes=7, dtype="bfloat16", image_shape=(48, 48, 3))
    assert (classifier.num_classes, classifier.class_names) == (7, None)
    assert {weight.dtype for weight in classifier.weights} == {"bfloat16"}
    assert classifier.input_shape == (None, 48, 48, 3)
    rounded = type(model.backbone).from_config({**model.backbone.get_config(), "dtype": "bfloat16"})
    for weight in model.backbone.weights:
        next(w for w in rounded.weights if w.path == weight.path).assign(weight)
    assert_same_values(classifier.backbone, rounded)
    assert load(HANDLE, class_names=["x", "y", "z"]).class_names == ["x", "y", "z"]
    assert load(HANDLE, freeze_batch_norm=True).backbone.freeze_batch_norm
    with pytest.raises(ValueError, match="no argument `num_clases`"):
        load(HANDLE, num_clases=7)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_first_kernel_is_adapted_to_other_channels(hub, repository, model, channels):
    classifier = krp.ResBlockImageClassifier.from_preset(HANDLE, image_shape=(None, None, channels))
    kernel, adapted = values(model), values(classifier)
    first = kernel.pop("stem0_conv/kernel")
    for path, array in kernel.items():
        np.testing.assert_array_equal(adapted[path], array)
    if channels == 1:
        expected = first.sum(axis=2, keepdims=True)
    else:
        expected = np.tile(first, (1, 1, 2, 1))[:, :, :channels] * (3 / channels)
    np.testing.assert_allclose(adapted["stem0_conv/kernel"], expected, rtol=1e-6)
    assert predict(classifier, photos()[..., [0] * channels]).shape == (2, 3)


def test_a_folder_that_timm_saved(hub, timm_folder, model):
    for cls, expected in zip(CLASSES, (model.backbone, model), strict=True):
        assert_same_values(cls.from_preset(timm_folder), expected)
    assert hub.requests == []


def test_a_revision(hub, repository, model):
    first = repository.find().id
    change_config(repository, label_names=["a", "b", "c"])
    load = krp.ResBlockImageClassifier.from_preset
    assert load(HANDLE).class_names == ["a", "b", "c"]
    assert load(f"{HANDLE}@{first}").class_names == CLASS_NAMES


def test_one_commit_is_read_while_another_is_pushed(hub, repository):
    # The weights of the first commit do not fit the config of the second.
    push = {"config.json": b'{"architecture": "resnet50"}', "model.safetensors": b"other"}
    hub.inject(Fault("download", call=lambda: repository.edit(push)))
    assert krp.ResBlockImageClassifier.from_preset(HANDLE).class_names == CLASS_NAMES


def test_damaged_weights_are_downloaded_again(hub, repository, model):
    hub.inject(Fault("download", damage=lambda content: content[:-1] + bytes([content[-1] ^ 1])))
    assert_same_values(krp.ResBlockImageClassifier.from_preset(HANDLE), model)
    assert len(hub.sent("download")) == 2


def test_offline_afterwards(hub, repository, model, fresh_process, tmp_path):
    code = """
import sys
import numpy as np
import keras_resblocks_plugin as krp
classifier = krp.ResBlockImageClassifier.from_preset(sys.argv[1])
krp.ResBlockBackbone.from_preset(sys.argv[1])
np.save(sys.argv[2], classifier.predict(np.load(sys.argv[3]), verbose=0))
"""
    images, output = (tmp_path / name for name in ("images.npy", "output.npy"))
    np.save(images, photos())
    fresh_process(code, HANDLE, output, images)
    with hub.unreachable():
        fresh_process(code, HANDLE, output, images, HF_HUB_OFFLINE="1")
    np.testing.assert_allclose(np.load(output), predict(model, photos()), rtol=1e-5)


def test_only_the_config_in_the_cache_is_not_enough(hub, repository):
    krp.ResBlockImageConverter.from_preset(HANDLE)
    with hub.unreachable(), pytest.raises(krp.hub.HubError, match="not whole, in the cache"):
        krp.ResBlockBackbone.from_preset(HANDLE)


def test_weights_that_do_not_fit_the_config_are_listed(hub, repository):
    change_config(repository, architecture="seresnet18")
    missing = r"nothing was converted.*Missing: layer1\.0\.se\.fc1\.bias"
    with pytest.raises(ValueError, match=missing):
        krp.ResBlockBackbone.from_preset(HANDLE)
