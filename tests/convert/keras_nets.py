"""Small variants of the ResNets in `keras.applications`, and their weights files."""

import h5py
import keras
import numpy as np
from keras.src.applications import resnet

BLOCKS = (2, 3, 2, 2)


def small(version: int, **kwargs) -> keras.Model:
    """Keras' own network of version 1 or 2 with few and narrow blocks, and all weights random."""
    stack = resnet.stack_residual_blocks_v2 if version == 2 else resnet.stack_residual_blocks_v1
    # The stage whose stride is 1.
    unstrided = 3 if version == 2 else 0

    def stacks(x):
        for i, blocks in enumerate(BLOCKS):
            stride = 1 if i == unstrided else 2
            x = stack(x, 4 << i, blocks, stride1=stride, name=f"conv{i + 2}")
        return x

    return randomize(resnet.ResNet(stacks, version == 2, True, weights=None, **kwargs))


def renamed(model: keras.Model, name=lambda name: name, epsilon=1.001e-5) -> keras.Model:
    """A copy with other names of the layers, another epsilon, and other random weights."""

    def clone(layer):
        config = {**layer.get_config(), "name": name(layer.name)}
        if isinstance(layer, keras.layers.BatchNormalization):
            config["epsilon"] = epsilon
        return type(layer).from_config(config)

    return randomize(keras.models.clone_model(model, clone_function=clone))


def randomize(model: keras.Model) -> keras.Model:
    """Sets every weight to values that keep the features of a hundred layers finite."""
    rng = np.random.default_rng(4)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name == "gamma":
            # A block adds the output of its last norm to its shortcut.
            high = 0.4 if "_3_bn" in weight.path else 1.5
            value = rng.uniform(high / 4, high, shape)
        elif weight.name == "moving_variance":
            value = rng.uniform(0.5, 1.5, shape)
        elif weight.name == "kernel":
            value = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
        else:
            value = rng.normal(size=shape) / 4
        weight.assign(value.astype("float32"))
    return model


def old_name(name: str) -> str:
    """The name of a layer of ResNet50 in keras_applications before 1.0.8."""
    names = {"conv1_conv": "conv1", "conv1_bn": "bn_conv1", "predictions": "fc1000"}
    if name in names or not name.startswith("conv") or not name.endswith(("_conv", "_bn")):
        return names.get(name, name)
    stage, block, number, kind = name.split("_")
    start = {"conv": "res", "bn": "bn"}[kind] + stage[-1] + "abcdef"[int(block[-1]) - 1]
    return f"{start}_branch{['1', '2a', '2b', '2c'][int(number)]}"


def keras_2(layer: str, weight: str) -> str:
    """The name of a weight in the files of keras.applications."""
    return f"{layer}/{weight}:0"


def keras_1(layer: str, weight: str) -> str:
    """The name of a weight in a file of Keras 1."""
    names = {"kernel": "W", "bias": "b"}
    names |= {"moving_mean": "running_mean", "moving_variance": "running_std"}
    return f"{layer}_{names.get(weight, weight)}:0"


def write_h5(model: keras.Model, file, name=keras_2, skip=(), extra=None) -> str:
    """Writes the weights as Keras 2 does: one group a layer, in the order of the layers."""
    with h5py.File(file, "w") as store:
        store.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = store.create_group(layer.name)
            names = [name(layer.name, weight.name) for weight in layer.weights]
            group.attrs["weight_names"] = [x.encode() for x in names]
            for path, weight in zip(names, layer.weights, strict=True):
                if weight.path not in skip:
                    group[path] = keras.ops.convert_to_numpy(weight)
        for path, array in (extra or {}).items():
            store[path] = array
    return str(file)
