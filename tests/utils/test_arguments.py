"""Unknown arguments are errors that name the closest known one."""

import keras_hub
import pytest

import keras_resblocks_plugin as krp
from tests.tiny import assert_refused, tiny_backbone, tiny_classifier

LISTS = dict(
    stackwise_num_filters=[4],
    stackwise_num_blocks=[1],
    stackwise_num_strides=[1],
    input_conv_filters=[4],
    input_conv_kernel_sizes=[3],
    input_conv_strides=[1],
)
Stock = keras_hub.models


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "preset"
    tiny_classifier().save_to_preset(folder)
    return str(folder)


@pytest.mark.parametrize("block_cls", krp.blocks.BLOCK_TYPES.values())
def test_constructors_of_blocks(block_cls):
    assert_refused(
        lambda: block_cls(4, drop_path=0.5),
        f"`{block_cls.__name__}` has no argument `drop_path`: did you mean `drop_path_rate`?",
        "Received: drop_path=0.5",
    )


def test_constructors():
    assert_refused(
        lambda: krp.ResBlockBackbone(
            "bn", **LISTS, kernel_size=5, input_poling="max", freeze_batchnorm=True
        ),
        "`ResBlockBackbone` has no argument `kernel_size`, which is an argument of the blocks",
        "in `block_kwargs`",
        "no argument `input_poling`: did you mean `input_pooling`?",
        "no argument `freeze_batchnorm`: did you mean `freeze_batch_norm`?",
        "Received: kernel_size=5, input_poling='max', freeze_batchnorm=True",
    )
    assert_refused(
        lambda: krp.ResBlockBackbone("bn", **LISTS, block_kwargs={"normalisation": None}),
        "`BatchNormResidualBlock` has no argument `normalisation`: did you mean `normalization`?",
    )
    assert_refused(
        lambda: krp.ResBlockBackbone("bn", **LISTS, xyzzy=1),
        "no argument `xyzzy`; it has `block_kwargs`, `block_type`, `data_format`",
    )
    assert_refused(
        lambda: krp.ResBlockImageClassifier(tiny_backbone(), 3, droput=0.5),
        "`ResBlockImageClassifier` has no argument `droput`: did you mean `dropout`?",
    )
    assert_refused(
        lambda: krp.ResBlockImageClassifier(tiny_backbone(), 3, freeze_batch_norm=True),
        "no argument `freeze_batch_norm`, which is an argument of the backbone",
    )
    assert_refused(
        lambda: krp.ResBlockImageConverter(image_size=(8, 8), crop_fracton=0.5),
        "`ResBlockImageConverter` has no argument `crop_fracton`: did you mean `crop_fraction`?",
    )
    assert_refused(
        lambda: krp.ResBlockImageClassifierPreprocessor(image_convertr=None),
        "no argument `image_convertr`: did you mean `image_converter`?",
    )


@pytest.mark.parametrize(
    ("cls", "argument", "nearest"),
    [
        (krp.ResBlockBackbone, "freeze_batchnorm", "freeze_batch_norm"),
        (Stock.Backbone, "freeze_batchnorm", "freeze_batch_norm"),
        (krp.ResBlockImageClassifier, "freeze_batchnorm", "freeze_batch_norm"),
        (Stock.ImageClassifier, "freeze_batchnorm", "freeze_batch_norm"),
        (krp.ResBlockImageClassifier, "class_name", "class_names"),
        (krp.ResBlockImageConverter, "image_sise", "image_size"),
        (keras_hub.layers.ImageConverter, "image_sise", "image_size"),
        (krp.ResBlockImageClassifierPreprocessor, "image_sise", "image_size"),
        (Stock.ImageClassifierPreprocessor, "image_sise", "image_size"),
    ],
)
def test_loading(cls, argument, nearest, saved):
    assert_refused(
        lambda: cls.from_preset(saved, **{argument: 1}),
        f"no argument `{argument}`: did you mean `{nearest}`",
    )


@pytest.mark.parametrize("cls", [krp.ResBlockImageClassifier, Stock.ImageClassifier])
def test_arguments_of_the_backbone_given_to_the_task(cls, saved):
    classifier = cls.from_preset(
        saved, freeze_batch_norm=True, image_shape=(32, 32, 3), pooling="max"
    )
    assert classifier.backbone.freeze_batch_norm
    assert classifier.backbone.image_shape == (32, 32, 3)
    assert classifier.pooling == "max"


def test_arguments_of_the_backbone_for_a_preset_without_a_head(tmp_path, saved):
    tiny_backbone().save_to_preset(tmp_path)
    classifier = tiny_classifier()
    classifier.preprocessor.save_to_preset(tmp_path)
    classifier = krp.ResBlockImageClassifier.from_preset(
        tmp_path, num_classes=2, freeze_batch_norm=True, image_shape=(32, 32, 3)
    )
    assert classifier.backbone.freeze_batch_norm
    assert classifier.backbone.image_shape == (32, 32, 3)


def test_arguments_of_the_converter_given_to_the_preprocessor(saved):
    for cls in (krp.ResBlockImageClassifierPreprocessor, Stock.ImageClassifierPreprocessor):
        preprocessor = cls.from_preset(saved, image_size=(8, 8), crop_fraction=0.5)
        assert preprocessor.image_converter.image_size == (8, 8)
        assert preprocessor.image_converter.crop_fraction == 0.5
