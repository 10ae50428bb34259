"""`from_keras_applications`: converted ResNets compute the same outputs from RGB images."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.convert.keras_nets import BLOCKS, randomize, small
from tests.helpers import needs_channels_first, to_channels_first, to_numpy
from tests.tiny import predict

convert = krp.convert.from_keras_applications
versions = pytest.mark.parametrize("version", [1, 2])
NOTOP = {"include_top": False, "input_shape": (None, None, 3)}
# Of an odd and an even side.
TOP = {"classes": 7, "input_shape": (65, 50, 3)}


def keras_preprocess(version, images):
    module = keras.applications.resnet_v2 if version == 2 else keras.applications.resnet
    return module.preprocess_input(images.copy())


def photos(*shape):
    return np.random.default_rng(5).integers(0, 256, shape).astype("float32")


def normalized(version, images):
    """The result of the converter for RGB images of the right size."""
    if version == 2:
        return images / np.float32(127.5) - 1
    return images - np.array([123.68, 116.779, 103.939], "float32")


def assert_close(actual, expected):
    # Probabilities of a thousand classes are small, and yet they must differ.
    assert expected.std() > 0.5 * np.abs(expected).mean()
    # Float32 sums in another order, relative to the range.
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.ptp(expected))


def assert_same(converted, model, version, shape=(2, 65, 50, 3)):
    images = photos(*shape)
    expected = predict(model, keras_preprocess(version, images))
    assert_close(to_numpy(converted(normalized(version, images))), expected)


@versions
def test_backbone(version):
    model = small(version, **NOTOP)
    converted = convert(model)
    assert isinstance(converted, krp.ResBlockBackbone)
    # Odd, even, and odd behind a stride.
    for shape in ((1, 65, 50, 3), (1, 64, 91, 3)):
        assert_same(converted, model, version, shape)
    biases = [np.prod(weight.shape) for weight in model.weights if weight.name == "bias"]
    folded = 0 if version == 2 else sum(biases)
    assert converted.count_params() == model.count_params() - folded


@versions
def test_pyramid_outputs_are_the_last_features_of_each_stride(version):
    model = small(version, **NOTOP)
    # The last block of a stage has the strides in v2.
    blocks = [count - (version == 2 and i < 3) for i, count in enumerate(BLOCKS)]
    names = [f"conv{i + 2}_block{block}_out" for i, block in enumerate(blocks)]
    outputs = [model.get_layer(name).output for name in names]
    if version == 2:
        outputs[-1] = model.get_layer("conv5_block2_out").output
    images = photos(1, 96, 65, 3)
    expected = keras.Model(model.inputs, outputs).predict(
        keras_preprocess(version, images), verbose=0
    )
    converted = convert(model)
    pyramid = keras.Model(converted.inputs, list(converted.pyramid_outputs.values()))
    assert list(converted.pyramid_outputs) == ["P2", "P3", "P4", "P5"]
    actual = pyramid.predict(normalized(version, images), verbose=0)
    for ours, theirs in zip(actual, expected, strict=True):
        assert_close(ours, theirs)


@versions
@pytest.mark.parametrize("activation", ["softmax", None])
def test_classifier(version, activation):
    model = small(version, **TOP, classifier_activation=activation)
    converted = convert(model, class_names=list("abcdefg"))
    assert_same(converted, model, version)
    head = converted.output_dense
    assert head.activation is keras.activations.get(activation)
    # Raw images of another size, through the converter.
    assert converted.preprocessor.image_converter.image_size == (65, 50)
    assert (
        converted.decode_predictions(converted.predict(photos(1, 40, 70, 3)))[0][0][0] in "abcdefg"
    )


@versions
def test_pixels_are_those_of_the_documentation_of_keras(version, tmp_path):
    """`load_img` to the size of the network, and `preprocess_input`."""
    converted = convert(small(version, **TOP))
    converter = converted.preprocessor.image_converter
    # Where the nearest pixel is a tie, as with 40 rows, Pillow rounds otherwise.
    for height, width in ((41, 90), (130, 61), (65, 50)):
        photo = photos(height, width, 3)
        file = tmp_path / "photo.png"
        keras.utils.save_img(file, photo, scale=False)
        image = keras.utils.img_to_array(keras.utils.load_img(file, target_size=(65, 50)))
        expected = keras_preprocess(version, image)
        # keras.applications' BGR of v1 is in the stem's kernel.
        expected = expected if version == 2 else expected[..., ::-1]
        actual = keras.ops.convert_to_numpy(converter(photo[None]))[0]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)


def test_a_size_and_imagenet_names():
    model = small(2, classes=1000, input_shape=(65, 50, 3))
    converted = convert(model, image_size=70)
    assert converted.preprocessor.image_converter.image_size == (70, 70)
    assert converted.class_names[0] == "tench"
    assert len(converted.class_names) == 1000
    assert convert(small(2, **TOP)).class_names is None


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_a_new_head_is_kept(pooling):
    base = small(1, include_top=False, pooling=pooling, input_shape=(65, 50, 3))
    # A pooling without a head is dropped.
    assert isinstance(convert(base), krp.ResBlockBackbone)
    x = keras.layers.Dropout(0.3, name="drop")(base.output)
    x = keras.layers.Dense(5, "sigmoid", name="flowers")(x)
    model = randomize(keras.Model(base.input, x))
    converted = convert(model)
    assert_same(converted, model, 1)
    assert (converted.dropout, converted.num_classes, converted.pooling) == (0.3, 5, pooling)


@needs_channels_first
@versions
def test_channels_first(version):
    model = small(version, **NOTOP)
    format_before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        first = small(version, include_top=False, input_shape=(3, None, None))
    finally:
        keras.config.set_image_data_format(format_before)
    converted = convert(first)
    assert converted.data_format == "channels_first"
    images = photos(1, 65, 50, 3)
    expected = predict(model, keras_preprocess(version, images))
    actual = predict(converted, to_channels_first(normalized(version, images)))
    assert_close(actual, to_channels_first(expected))


def test_one_channel():
    model = small(1, include_top=False, input_shape=(65, 50, 1))
    images = photos(1, 65, 50, 1)
    assert_close(predict(convert(model), images), predict(model, images))


def test_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small(2, **TOP)
    finally:
        keras.config.set_dtype_policy("float32")
    converted = convert(model)
    assert converted.backbone.dtype_policy.name == "mixed_bfloat16"
    assert converted.output_dense.dtype_policy.name == "mixed_bfloat16"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2"]
)
def test_real_sizes(name):
    version = 2 if name.endswith("V2") else 1
    model = randomize(getattr(keras.applications, name)(weights=None))
    converted = convert(model)
    assert_same(converted, model, version, (1, 224, 224, 3))
    assert converted.class_names[999] == "toilet tissue"
