"""`from_keras_applications` reads the published h5 files, and refuses everything else."""

import re

import keras
import pytest

import keras_resblocks_plugin as krp
from tests.convert.keras_nets import keras_1, keras_2, old_name, renamed, small, write_h5
from tests.convert.test_keras_applications import NOTOP, TOP, assert_same, convert, versions
from tests.helpers import assert_same_values
from tests.tiny import assert_refused

FILE = "resnet50_weights_tf_dim_ordering_tf_kernels.h5"


@pytest.fixture(scope="module")
def v1():
    return small(1, **TOP)


@versions
@pytest.mark.parametrize("options", [TOP, NOTOP])
def test_files_give_what_their_models_give(version, options, tmp_path):
    model = small(version, **options)
    converted = convert(write_h5(model, tmp_path / FILE))
    assert_same_values(converted, convert(model))
    if options is TOP:
        assert converted.output_dense.activation is keras.activations.softmax
        assert converted.preprocessor.image_converter.image_size == (224, 224)


@pytest.mark.parametrize("name", [keras_1, keras_2])
def test_the_first_resnet50(name, v1, tmp_path):
    """Its layers have other names, and its norms have Keras' epsilon."""
    model = renamed(v1, old_name, epsilon=1e-3)
    converted = convert(write_h5(model, tmp_path / FILE, name))
    assert_same(converted, model, 1)
    assert_same_values(converted, convert(model))


def test_names_of_the_head_in_keras_applications(v1, tmp_path):
    model = renamed(v1, lambda name: "probs" if name == "predictions" else name)
    assert_same(convert(write_h5(model, tmp_path / FILE)), model, 1)


def test_all_differences_are_listed(v1, tmp_path):
    file = write_h5(
        v1,
        tmp_path / FILE,
        skip=("conv2_block1_2_conv/bias", "conv3_block1_0_bn/gamma"),
        extra={
            "more/more/kernel:0": [1.0, 2.0],
            "conv3_block1_0_bn/conv3_block1_0_bn/beta2": [1.0],
        },
    )
    assert_refused(lambda: convert(file), "conv3_block1_0_bn/beta2")
    file = write_h5(
        v1,
        tmp_path / FILE,
        skip=("conv2_block1_2_conv/bias", "conv3_block1_0_bn/gamma", "conv1_bn/beta"),
        extra={"more/more/kernel:0": [1.0, 2.0], "conv1_bn/conv1_bn/beta:0": [1.0]},
    )
    assert_refused(
        lambda: convert(file),
        "nothing was converted",
        "Missing: conv2_block1_2_conv/bias, conv3_block1_0_bn/gamma",
        "Unexpected: more/kernel",
        "Misshaped: conv1_bn/beta (1,) in place of (64,)",
    )


def test_other_files_of_keras_say_what_to_do(v1, tmp_path):
    for save, name in ((v1.save, "model.h5"), (v1.save_weights, "model.weights.h5")):
        save(tmp_path / name)
        assert_refused(lambda name=name: convert(tmp_path / name), "pass the model", name)
    (tmp_path / "cut.h5").write_bytes((tmp_path / "model.h5").read_bytes()[:5000])
    assert_refused(lambda: convert(tmp_path / "cut.h5"), "is not a whole, plain HDF5 file")


def test_other_models_are_refused_by_name(v1):
    mobile = keras.applications.MobileNet(weights=None, alpha=0.25, input_shape=(32, 32, 3))
    assert_refused(lambda: convert(mobile), "ResNet50, ResNet101", "mobilenet", "a ReLU")
    inside = keras.Sequential([keras.Input((65, 50, 3)), v1])
    assert_refused(lambda: convert(inside), f"pass `model.get_layer({v1.name!r})`")
    plain = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv")])
    assert_refused(lambda: convert(plain), "ResNet50, ResNet101")
    for source in ("missing.h5", 3):
        assert_refused(lambda source=source: convert(source), f"source={source!r}")


def test_another_stride_is_refused(v1):
    def clone(layer):
        config = layer.get_config()
        if layer.name in ("conv5_block1_1_conv", "conv5_block1_0_conv"):
            config["strides"] = (1, 1)
        return type(layer).from_config(config)

    model = keras.models.clone_model(v1, clone_function=clone)
    assert_refused(lambda: convert(model), "with strides (1, 1) in place of (2, 2)")


@versions
def test_presets(version, tmp_path):
    model = small(version, **TOP)
    converted = convert(model)
    converted.save_to_preset(tmp_path / "preset")
    loaded = krp.ResBlockImageClassifier.from_preset(str(tmp_path / "preset"))
    assert_same(loaded, model, version)
    # The result folds where no norm comes first, and takes LoRA.
    if version == 1:
        assert_same(krp.fold_batch_norm(loaded), model, version)
    else:
        with pytest.raises(ValueError, match=re.escape("cannot be folded into a convolution")):
            krp.fold_batch_norm(loaded)
    krp.freeze(loaded, "lora", rank=2)
    assert_same(loaded, model, version)
