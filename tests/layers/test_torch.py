"""On PyTorch, a convolution's kernel lies in memory as PyTorch reads it, whatever is done to it."""

import copy
import importlib
import inspect

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.layers import SymmetricConv2D
from tests.helpers import assert_same_values, fill, images, to_numpy

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="Only PyTorch lets kernels have an order in memory."
)


def new_backbone(dtype="float32"):
    return krp.ResBlockBackbone("bottleneck", [4], [2], [2], [8], [3], [2], dtype=dtype)


def kernels(model):
    found = [weight for weight in model.variables if len(weight.shape) == 4]
    assert len(found) > 0
    return found


def is_ordered(tensor):
    """Whether output channels are outermost in memory, and input channels innermost."""
    return tensor.permute(3, 0, 1, 2).is_contiguous()


def check(model):
    assert [x.path for x in kernels(model) if not is_ordered(x.value)] == []


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "bfloat16", "float16"])
def test_new_kernels(dtype):
    check(new_backbone(dtype))


@pytest.mark.parametrize("initializer", ["zeros", "he_normal"])
def test_initializers_of_keras(initializer):
    layer = SymmetricConv2D(4, 3, kernel_initializer=initializer)
    layer.build((None, 8, 8, 3))
    check(layer)


def test_values_and_shapes_are_those_of_the_initializer():
    initializer = keras.initializers.RandomNormal(seed=3)
    layer = SymmetricConv2D(4, 3, kernel_initializer=initializer)
    layer.build((None, 8, 8, 2))
    expected = to_numpy(keras.initializers.RandomNormal(seed=3)((3, 3, 2, 4)))
    np.testing.assert_array_equal(to_numpy(layer.kernel), expected)


@pytest.mark.parametrize("suffix", ["preset", ".keras", ".weights.h5"])
def test_saving_and_loading(tmp_path, suffix):
    backbone = fill(new_backbone())
    if suffix == "preset":
        backbone.save_to_preset(str(tmp_path))
        loaded = krp.ResBlockBackbone.from_preset(str(tmp_path))
    elif suffix == ".keras":
        backbone.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    else:
        backbone.save_weights(tmp_path / "model.weights.h5")
        loaded = new_backbone()
        loaded.load_weights(tmp_path / "model.weights.h5")
    check(loaded)
    assert_same_values(loaded, backbone)


def test_copies_moves_and_assignments():
    backbone = new_backbone()
    check(copy.deepcopy(backbone))
    check(keras.models.clone_model(backbone))
    backbone.set_weights(fill(new_backbone()).get_weights())
    check(backbone)
    # As a move to another device does, PyTorch replaces the data of each parameter.
    backbone.to("meta")
    check(backbone)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.AdamW(0.1, use_ema=True),
        lambda: keras.optimizers.RMSprop(0.1, gradient_accumulation_steps=2),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Lion(0.1)),
    ],
    ids=["sgd", "adamw", "rmsprop", "lion"],
)
def test_training(tmp_path, optimizer):
    model = keras.Sequential([new_backbone(), keras.layers.GlobalAveragePooling2D()])
    model.compile(optimizer(), "mse")
    model.fit(images(4, 8, 8, 3), images(4, 16), batch_size=2, verbose=0)
    check(model)
    check(model.optimizer)
    assert all(is_ordered(weight.value.grad) for weight in kernels(model))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    check(loaded.optimizer)


def test_lora():
    backbone = fill(new_backbone())
    krp.freeze(backbone, "lora")
    fill(backbone)
    layer = backbone.get_layer("stack0_block0").conv2
    assert layer.lora_enabled
    assert is_ordered(layer.kernel)
    x = images(2, 4, 4, 4)
    plain = SymmetricConv2D(4, 3, layer.strides[0], use_bias=False)
    plain.build(x.shape)
    plain.kernel.assign(layer.kernel)
    check(plain)
    np.testing.assert_allclose(to_numpy(layer(x)), to_numpy(plain(x)), rtol=1e-5, atol=1e-5)


def test_subclasses_that_compute_another_kernel():
    class Doubled(SymmetricConv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, keras.ops.reshape(2 * kernel, kernel.shape))

    x = images(2, 7, 6, 3)
    single, double = SymmetricConv2D(4, 3, 2, use_bias=False), Doubled(4, 3, 2, use_bias=False)
    for layer in (single, double):
        layer.build(x.shape)
        fill(layer)
    expected = 2 * to_numpy(single(x))
    np.testing.assert_allclose(to_numpy(double(x)), expected, rtol=1e-5, atol=1e-5)


def test_memory_follows_the_data_format_of_the_input():
    import torch

    x = torch.ones(2, 3, 8, 8)
    layer = SymmetricConv2D(4, 3, data_format="channels_first")
    last = SymmetricConv2D(4, 3, data_format="channels_last")
    assert layer(x).shape == (2, 4, 8, 8)
    assert last(x.permute(0, 2, 3, 1).contiguous()).is_contiguous()


def test_optimizers_are_extended_once():
    from keras_resblocks_plugin.layers import _torch

    method = keras.optimizers.Optimizer.add_variable_from_reference
    importlib.reload(_torch)
    assert keras.optimizers.Optimizer.add_variable_from_reference is method
    assert [*inspect.signature(method).parameters][:2] == ["self", "reference_variable"]


def test_optimizers_of_other_layers_are_those_of_keras():
    dense = keras.layers.Dense(3)
    dense.build((None, 2))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(dense.trainable_variables)
    assert all(x.value.is_contiguous() for x in optimizer.variables)


def test_inference_activates_in_the_memory_of_the_norm():
    import torch

    from keras_resblocks_plugin.layers._operations import activate

    x = torch.tensor([-1.0, 2.0])
    assert activate(x, keras.activations.relu) is x
    assert x.tolist() == [0.0, 2.0]
    learns = torch.tensor([-1.0, 2.0], requires_grad=True)
    activate(2 * learns, keras.activations.relu).sum().backward()
    assert learns.grad.tolist() == [0.0, 2.0]
    assert activate(x, keras.activations.gelu) is not x
