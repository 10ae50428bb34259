"""ResNets of `keras.applications`, read from models and from weight files."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_resblocks_plugin.convert._hdf5_tensors import read_hdf5
from keras_resblocks_plugin.convert._transfer import LoadedTensor, Tensor
from keras_resblocks_plugin.lora._merging import merged_weights

EPSILON = 1.001e-5
# Of the ResNet50 before keras_applications 1.0.8, whose layers have other names.
_OLD_EPSILON = 1e-3
_SIZE = (224, 224)
KNOWN = "ResNet50, ResNet101, ResNet152, ResNet50V2, ResNet101V2 or ResNet152V2"

_WEIGHTED = (keras.layers.Conv2D, keras.layers.BatchNormalization, keras.layers.Dense)
_WEIGHTLESS = (
    keras.layers.InputLayer,
    keras.layers.ZeroPadding2D,
    keras.layers.Activation,
    keras.layers.MaxPooling2D,
    keras.layers.Add,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Dropout,
)
_OLD_LAYERS = {"conv1": "conv1_conv", "bn_conv1": "conv1_bn"}
_HEADS = ("probs", "fc1000")
_OLD_BLOCK = re.compile(r"(res|bn)(\d+)([a-z])_branch(1|2[abc])").fullmatch
# The endings of the names in files, those of Keras 1 included.
_WEIGHTS = {
    "kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    # It is a variance in spite of its name.
    "running_std": "moving_variance",
}
_ENDING = re.compile(rf"(?:.*_)?({'|'.join(_WEIGHTS)})").fullmatch


class Network(NamedTuple):
    """A network of `keras.applications`.

    Args:
        tensors: The weights, by the names of today's layers (`"conv2_block1_1_conv/kernel"`).
        epsilon: The epsilon of its norms.
        image_size: The size of its images.
        data_format: `"channels_last"` or `"channels_first"`.
        dtype: The precision of the backbone.
        head: The further arguments of the classifier.
    """

    tensors: Mapping[str, Tensor]
    epsilon: float = EPSILON
    image_size: tuple[int, int] = _SIZE
    data_format: str = "channels_last"
    dtype: Any = None
    head: Mapping[str, Any] = {"activation": "softmax"}


def read_file(file: Path) -> Network:
    """Reads a weights file of `keras.applications`.

    Raises:
        ValueError: If the file is damaged, or if it is no such file.
    """
    stored = read_hdf5(file)
    if any(name.startswith(("model_weights/", "layers/")) for name in stored):
        raise ValueError(
            "`source` must be a file with the weights alone and the names of their layers, as "
            "keras.applications publishes it. Load this file with Keras (`keras.models.load_model` "
            "for a whole model, `model.load_weights` for a `.weights.h5` file) and pass the model. "
            f"Received: source={str(file)!r}"
        )
    is_old = any("bn_conv1" in name.split("/") for name in stored)
    return Network(
        _renamed(stored, str(file), heads=_HEADS), epsilon=_OLD_EPSILON if is_old else EPSILON
    )


def read_model(model: keras.Model) -> Network:
    """Reads a model of `keras.applications`.

    Raises:
        ValueError: If it has layers that no such ResNet has.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            raise not_a_resnet(
                f"a model with another model in it; pass `model.get_layer({layer.name!r})`"
            )
        if type(layer) not in _WEIGHTED + _WEIGHTLESS or not _is_usual(layer):
            raise not_a_resnet(
                f"model {model.name!r} with `{layer.name}`, a {type(layer).__name__} that such a "
                "network does not have"
            )
    heads = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    convs = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    epsilons = {norm.epsilon for norm in norms}
    if len(epsilons) != 1 or len(model.inputs) != 1 or len(heads) > 1:
        raise not_a_resnet(
            f"model {model.name!r} with {len(model.inputs)} inputs, {len(heads)} dense layers and "
            f"norms of epsilon {sorted(epsilons)}"
        )
    weights = {path: LoadedTensor(array) for path, array in merged_weights(model).items()}
    height, width = _spatial(model.input_shape, convs[0].data_format)
    return Network(
        _renamed(weights, model.name, heads=[head.name for head in heads]),
        epsilon=epsilons.pop(),
        image_size=_SIZE if None in (height, width) else (height, width),
        data_format=convs[0].data_format,
        dtype=convs[0].dtype_policy,
        head=_head_arguments(model, heads[0]) if heads else {},
    )


def not_a_resnet(received: str) -> ValueError:
    """Makes the error for a source that is not supported."""
    return ValueError(
        f"`source` must be the {KNOWN} of `keras.applications`, as a model or as an h5 file of "
        f"weights. Received: {received}"
    )


def _is_usual(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is keras.activations.relu
    if isinstance(layer, keras.layers.Conv2D):
        return layer.activation is keras.activations.linear and layer.dilation_rate == (1, 1)
    return True


def _spatial(shape: tuple, data_format: str) -> tuple:
    return shape[1:3] if data_format == "channels_last" else shape[2:4]


def _head_arguments(model: keras.Model, head: keras.layers.Dense) -> dict[str, Any]:
    pooled = any(isinstance(layer, keras.layers.GlobalMaxPooling2D) for layer in model.layers)
    dropouts = [x.rate for x in model.layers if isinstance(x, keras.layers.Dropout)]
    return {
        "activation": keras.activations.serialize(head.activation),
        "pooling": "max" if pooled else "avg",
        "dropout": dropouts[0] if dropouts else 0.0,
        "head_dtype": head.dtype_policy,
    }


def _renamed(tensors: Mapping[str, Tensor], source: str, heads: Iterable[str]) -> dict[str, Tensor]:
    """Returns the tensors by the names of today's layers."""
    renamed = {}
    for path, tensor in tensors.items():
        # The groups of a file repeat the name of the layer, and a model in a model has more.
        layer, weight = ("", *path.removesuffix(":0").split("/"))[-2:]
        if not (ending := _ENDING(weight)):
            raise not_a_resnet(f"{source!r} with a weight {path!r}")
        name = f"{'predictions' if layer in heads else _today(layer)}/{_WEIGHTS[ending[1]]}"
        if name in renamed:
            raise not_a_resnet(f"{source!r} with several weights {name!r}")
        renamed[name] = tensor
    return renamed


def _today(layer: str) -> str:
    """Returns the name of a layer today, if it is one of the old ResNet50."""
    if not (found := _OLD_BLOCK(layer)):
        return _OLD_LAYERS.get(layer, layer)
    kind, stage, block, branch = found.groups()
    number = "0abc".index(branch[1:] or "0")
    kind = "conv" if kind == "res" else "bn"
    return f"conv{stage}_block{ord(block) - ord('a') + 1}_{number}_{kind}"
