"""Conversion of MLPerf Tiny's ResNet-8 from models and h5 files."""

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import keras_resblocks_plugin as krp
from tests.helpers import fill
from tests.tiny import assert_refused, predict

from_mlperf_tiny = krp.convert.from_mlperf_tiny


def conv(x, filters, kernel_size=3, strides=1):
    return layers.Conv2D(filters, kernel_size, strides, padding="same")(x)


def resnet8(filters=4, num_classes=10):
    """A ResNet-8 with random weights, including the biases."""
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(layers.BatchNormalization()(conv(inputs, filters)))
    for stack in range(3):
        width, strides = filters << stack, 2 if stack else 1
        y = layers.Activation("relu")(layers.BatchNormalization()(conv(x, width, 3, strides)))
        y = layers.BatchNormalization()(conv(y, width))
        if stack:
            x = conv(x, width, 1, strides)
        x = layers.Activation("relu")(layers.add([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return fill(keras.Model(inputs, layers.Dense(num_classes, "softmax")(x)))


def pixels():
    return np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3)).astype("float32")


@pytest.fixture
def model():
    model = resnet8()
    # Pixels of 0 to 255 would saturate the softmax otherwise.
    model.layers[1].kernel.assign(model.layers[1].kernel / 16)
    return model


def assert_same(converted, model):
    expected = predict(model, pixels())
    assert expected.std(axis=0).max() > 0.01
    np.testing.assert_allclose(predict(converted, pixels()), expected, atol=1e-5)


@pytest.mark.parametrize("source", ["model", "model.h5", "model.weights.h5"])
def test_the_same_probabilities(source, model, tmp_path):
    file = tmp_path / source
    if source == "model.h5":
        model.save(file)
        with h5py.File(file, "r+") as store:
            # Only the weights are read.
            store.attrs["model_config"] = "{"
    elif source == "model.weights.h5":
        model.save_weights(file)
    converted = from_mlperf_tiny(model if source == "model" else file)
    assert converted.backbone.block_type == "mlperf_tiny"
    assert converted.class_names[-1] == "truck"
    assert_same(converted, model)


def test_folding_and_saving(model, tmp_path):
    folded = krp.fold_batch_norm(from_mlperf_tiny(model))
    folded.save_to_preset(tmp_path)
    assert_same(krp.ResBlockImageClassifier.from_preset(str(tmp_path)), model)


def test_class_names_and_widths():
    converted = from_mlperf_tiny(resnet8(filters=6, num_classes=3), ["cat", "dog", "fox"])
    assert converted.class_names == ["cat", "dog", "fox"]
    assert converted.backbone.stackwise_num_filters == [6, 12, 24]
    assert from_mlperf_tiny(resnet8(num_classes=3)).class_names is None


def test_other_networks_are_refused(model, tmp_path):
    rule = "`source` must be MLPerf Tiny's ResNet-8"
    assert_refused(lambda: from_mlperf_tiny("missing.h5"), rule, "missing.h5")
    pooled = keras.Sequential([keras.Input((64, 64, 3)), layers.MaxPooling2D(), model])
    assert_refused(lambda: from_mlperf_tiny(pooled), rule, "a MaxPooling2D")
    shallow = keras.Sequential(
        [keras.Input((32, 32, 3)), layers.Conv2D(4, 3, padding="same"), layers.Flatten()]
    )
    shallow.add(layers.Dense(3))
    file = tmp_path / "shallow.weights.h5"
    shallow.save_weights(file)
    assert_refused(lambda: from_mlperf_tiny(file), rule, "1 convolutions", "0 batch norms")
    file.write_bytes(file.read_bytes()[:3000])
    assert_refused(lambda: from_mlperf_tiny(file), "is not a whole, plain HDF5 file")


def test_other_epsilons_are_refused(model):
    norm = next(x for x in model.layers if isinstance(x, layers.BatchNormalization))
    norm.epsilon = 1e-5
    assert_refused(lambda: from_mlperf_tiny(model), "must be MLPerf Tiny's", "{'epsilon': 1e-05}")


def test_missing_weights_are_listed(model, tmp_path):
    file = tmp_path / "model.h5"
    model.save(file)
    with h5py.File(file, "r+") as store:
        (name,) = [x for x in all_names(store) if "dense" in x and x.endswith("/bias")]
        del store[name]
    assert_refused(lambda: from_mlperf_tiny(file), "nothing was converted", "Missing: dense")


def all_names(store):
    names = []
    store.visit(names.append)
    return names
