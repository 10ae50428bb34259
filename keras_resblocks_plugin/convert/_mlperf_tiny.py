"""MLPerf Tiny's ResNet-8, read from models and from h5 files by the names of the layers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_resblocks_plugin.convert._hdf5_tensors import read_hdf5
from keras_resblocks_plugin.convert._transfer import Tensor

# Keras' own names of layers. Those of a later model in the same process do not start at zero.
_WEIGHT = re.compile(
    r"(?:.*/)?(?P<kind>conv2d|batch_normalization|dense)(?:_(?P<number>\d+))?/"
    r"(?P<vars>vars/)?(?P<weight>\w+)(?::0)?"
).fullmatch
# In Keras 3's own files, weights have numbers.
_NUMBERED = {
    "conv2d": ("kernel", "bias"),
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "dense": ("kernel", "bias"),
}
_WEIGHTLESS = (
    keras.layers.InputLayer,
    keras.layers.ReLU,
    keras.layers.Add,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.Flatten,
    keras.layers.Dense,
)
_EPSILON = 1e-3


class MLPerfTinyLayout(NamedTuple):
    """The names of the weights.

    Args:
        layers: Maps the layers of the classifier to those of the source.
        axes: No permutations: the axes are Keras' own.
    """

    layers: Mapping[str, str]
    axes: Mapping[int, tuple[int, ...]] = {}

    def name(self, path: str) -> str:
        """Returns the name of a weight path such as `"stack0_block0/conv1/kernel"`."""
        layer, _, weight = path.rpartition("/")
        return f"{self.layers[layer]}/{weight}"


class ResNet8(NamedTuple):
    """A network read from weights.

    Args:
        tensors: The weights as `"conv2d_1/kernel"`.
        layout: Their names.
        arguments: The arguments of the backbone.
        num_classes: The number of classes.
    """

    tensors: dict[str, Tensor]
    layout: MLPerfTinyLayout
    arguments: dict[str, Any]
    num_classes: int


def read_file(file: Path) -> dict[str, Tensor]:
    """Reads the weights in an h5 file: a whole model's or weights alone.

    Raises:
        ValueError: If the file is damaged.
    """
    tensors = read_hdf5(file)
    # The rest of a whole model is its optimizer.
    weights = [name for name in tensors if name.startswith("model_weights/")]
    weights = weights or [name for name in tensors if not name.startswith("optimizer/")]
    return {name: tensors[name] for name in weights}


def has_keras_names(file: Path) -> bool:
    """Returns whether the layers in an h5 file have Keras' own names, as a ResNet-8's have.

    Raises:
        ValueError: If the file is damaged.
    """
    return all(map(_WEIGHT, read_file(file)))


def find_layers(tensors: Mapping[str, Tensor], source: str) -> ResNet8:
    """Finds the layers of a ResNet-8 among weights.

    Raises:
        ValueError: If the weights are not those of a ResNet-8.
    """
    renamed, numbers = {}, {kind: {} for kind in _NUMBERED}
    for path, tensor in tensors.items():
        if not (found := _WEIGHT(path)):
            raise not_a_resnet8(f"{source!r} with a weight {path!r}")
        kind, number, weight = found["kind"], int(found["number"] or 0), found["weight"]
        if found["vars"]:
            weight = dict(enumerate(_NUMBERED[kind])).get(int(weight), weight)
        numbers[kind][number] = layer = f"{kind}_{number}" if number else kind
        renamed[f"{layer}/{weight}"] = tensor
    convs, norms, heads = ([layers[i] for i in sorted(layers)] for layers in numbers.values())
    sides = {conv: _kernel_shape(renamed, conv, source)[0] for conv in convs}
    # A shortcut is created behind the convolutions that it skips, but Keras lists it before.
    spatial = [conv for conv, side in sides.items() if side > 1]
    projections = [conv for conv, side in sides.items() if side == 1]
    stacks = len(projections) + 1
    if (len(spatial), len(norms), len(heads)) != (2 * stacks + 1, 2 * stacks + 1, 1):
        raise not_a_resnet8(
            f"{source!r} with {len(spatial)} convolutions, {len(projections)} of them 1×1, "
            f"{len(norms)} batch norms and {len(heads)} dense layers"
        )
    layers = {"stem0_conv": spatial[0], "stem0_norm": norms[0], "predictions": heads[0]}
    for stack in range(stacks):
        start = f"stack{stack}_block0"
        for i in (1, 2):
            layers[f"{start}/conv{i}"] = spatial[2 * stack + i]
            layers[f"{start}/norm{i}"] = norms[2 * stack + i]
        if stack:
            layers[f"{start}/shortcut_conv"] = projections[stack - 1]
    first = _kernel_shape(renamed, spatial[0], source)
    arguments = {
        "block_type": "mlperf_tiny",
        "stackwise_num_filters": [
            _kernel_shape(renamed, conv, source)[-1] for conv in spatial[1::2]
        ],
        "stackwise_num_blocks": [1] * stacks,
        "stackwise_num_strides": [1] + [2] * (stacks - 1),
        "input_conv_filters": [first[-1]],
        "input_conv_kernel_sizes": [first[0]],
        "input_conv_strides": [1],
        "image_shape": (None, None, first[2]),
        "data_format": "channels_last",
    }
    num_classes = _kernel_shape(renamed, heads[0], source, ndim=2)[-1]
    return ResNet8(renamed, MLPerfTinyLayout(layers), arguments, num_classes)


def check_model(model: keras.Model) -> str:
    """Checks what the weights of a model do not show.

    Returns:
        The activation of the head.

    Raises:
        ValueError: If the model computes something else than a ResNet-8.
    """
    for layer in model.layers:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Conv2D):
            expected = {"padding": "same", "data_format": "channels_last", "activation": "linear"}
        elif isinstance(layer, keras.layers.BatchNormalization):
            expected = {"epsilon": _EPSILON, "axis": -1}
            config["axis"] = -1 if config["axis"] in (3, [3], [-1]) else config["axis"]
        elif isinstance(layer, keras.layers.Activation):
            expected = {"activation": "relu"}
        elif isinstance(layer, _WEIGHTLESS):
            expected = {}
        else:
            raise not_a_resnet8(
                f"model {model.name!r} with `{layer.name}`, a {type(layer).__name__}"
            )
        wrong = {name: config[name] for name, value in expected.items() if config[name] != value}
        if wrong:
            raise not_a_resnet8(f"model {model.name!r} with {wrong} in `{layer.name}`")
    strides = [x.strides[0] for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    if strides[:3] != [1, 1, 1] or strides.count(2) != 2 * (len(strides) // 3 - 1):
        raise not_a_resnet8(f"model {model.name!r} with convolutions of strides {strides}")
    return keras.activations.serialize(model.layers[-1].activation)


def not_a_resnet8(received: str) -> ValueError:
    """Makes the error for a source that is not supported."""
    return ValueError(
        "`source` must be MLPerf Tiny's ResNet-8 (`resnet_v1_eembc`), as a model or as an h5 file, "
        f"with Keras' own names of layers. Received: {received}"
    )


def _kernel_shape(
    tensors: Mapping[str, Tensor], layer: str, source: str, ndim: int = 4
) -> tuple[int, ...]:
    shape = tuple(tensors[f"{layer}/kernel"].shape) if f"{layer}/kernel" in tensors else ()
    if len(shape) != ndim:
        raise not_a_resnet8(f"{source!r} with a kernel of shape {shape} in `{layer}`")
    return shape
