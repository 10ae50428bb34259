"""Folding keeps the outputs, and gives a model that is a preset like any other."""

import re

import keras
import keras_hub
import numpy as np
import pytest
from keras import ops

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.layers import SymmetricConv2D
from tests.blocks.user_block import GatedResidualBlock
from tests.helpers import fill, images, to_numpy, values
from tests.tiny import CLASS_NAMES, photos, predict, tiny_backbone, tiny_classifier

# The same sums in another order; the outputs are of order 1 to 10.
SAME = dict(rtol=1e-4, atol=1e-5)
# A float32 kernel rounds differently when it is scaled, and bfloat16 has 8 bits.
ROUNDED = dict(rtol=0.05, atol=0.05)


def new_backbone(block_type="bn", **kwargs):
    """A backbone with norms in every place: two stem convolutions, several blocks."""
    return fill(
        krp.ResBlockBackbone(
            block_type,
            stackwise_num_filters=[6, 8],
            stackwise_num_blocks=[2, 1],
            stackwise_num_strides=[1, 2],
            input_conv_filters=[4, 6],
            input_conv_kernel_sizes=[3, 3],
            input_conv_strides=[2, 1],
            **kwargs,
        )
    )


def norms(model) -> list[str]:
    return [path for path in values(model) if path.endswith("/moving_mean")]


@pytest.mark.parametrize("shortcut", ["auto", "projection", "avg_pool", "pad"])
@pytest.mark.parametrize("block_type", ["bn", "bottleneck", GatedResidualBlock])
def test_folding_keeps_the_outputs_and_does_not_change_the_source(block_type, shortcut):
    backbone = new_backbone(block_type, block_kwargs={"shortcut": shortcut})
    x, before = images(2, 18, 16, 3), values(backbone)
    outputs = to_numpy(backbone(x))
    folded = krp.fold_batch_norm(backbone)
    np.testing.assert_allclose(to_numpy(folded(x)), outputs, **SAME)
    assert type(folded) is krp.ResBlockBackbone
    assert folded.block_kwargs == {"shortcut": shortcut, "normalization": None}
    assert norms(backbone)
    assert not norms(folded)
    assert {path: array.tolist() for path, array in values(backbone).items()} == {
        path: array.tolist() for path, array in before.items()
    }


@pytest.mark.parametrize("block_type", ["basic", "act", "identity", "expanded"])
def test_plain_blocks_with_norms_fold(block_type):
    kwargs = {"normalization": "batch", "kernel_size": 5, "activation": "gelu"}
    backbone = new_backbone(block_type, block_kwargs=kwargs, freeze_batch_norm=True)
    x = images(2, 16, 16, 3)
    folded = krp.fold_batch_norm(backbone)
    np.testing.assert_allclose(to_numpy(folded(x)), to_numpy(backbone(x)), **SAME)


def test_a_folded_classifier_keeps_head_names_and_preprocessor(tmp_path):
    source = tiny_classifier(pooling="max", activation="softmax", dropout=0.1)
    folded = krp.fold_batch_norm(source)
    assert type(folded) is krp.ResBlockImageClassifier
    outputs = predict(folded, photos())
    # Predictions from raw images: the preprocessor came along.
    np.testing.assert_allclose(outputs, predict(source, photos()), **SAME)
    folded.save_to_preset(tmp_path / "folded")
    loaded = keras_hub.models.ImageClassifier.from_preset(str(tmp_path / "folded"))
    assert loaded.class_names == CLASS_NAMES
    assert loaded.backbone.block_kwargs == {"normalization": None}
    np.testing.assert_array_equal(predict(loaded, photos()), outputs)


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_half_precision_is_kept_and_rounds_once_more(dtype):
    source = tiny_classifier(tiny_backbone(dtype=dtype), head_dtype="float32")
    folded = krp.fold_batch_norm(source)
    assert folded.backbone.dtype_policy.name == dtype
    assert folded.output_dense.dtype_policy.name == "float32"
    x = images(2, 16, 16, 3)
    np.testing.assert_allclose(to_numpy(folded(x)), to_numpy(source(x)), **ROUNDED)
    kernel = folded.backbone.get_layer("stem0_conv").kernel
    assert keras.backend.standardize_dtype(kernel.dtype) == folded.backbone.variable_dtype


def test_lora_is_merged_before_folding():
    backbone = new_backbone()
    conv = backbone.get_layer("stack0_block0").conv1
    conv.enable_lora(2)
    conv.lora_kernel_b.assign(images(*conv.lora_kernel_b.shape))
    x = images(2, 16, 16, 3)
    folded = krp.fold_batch_norm(backbone)
    np.testing.assert_allclose(to_numpy(folded(x)), to_numpy(backbone(x)), **SAME)


@pytest.mark.parametrize("block_type", ["preact", "preact_bottleneck"])
def test_pre_activation_is_refused(block_type):
    with pytest.raises(ValueError, match=re.escape("`stack0_block0/norm1`")) as caught:
        krp.fold_batch_norm(new_backbone(block_type))
    assert "pre-activation" in str(caught.value)
    assert f"block_type={block_type!r}" in str(caught.value)


def test_a_model_without_norms_has_nothing_to_fold():
    with pytest.raises(ValueError, match="no batch norm, so nothing can be folded"):
        krp.fold_batch_norm(new_backbone("act"))
    with pytest.raises(ValueError, match="no batch norm, so nothing can be folded"):
        krp.fold_batch_norm(krp.fold_batch_norm(tiny_classifier()))


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="`model` must be a `ResBlockBackbone`"):
        krp.fold_batch_norm(keras.Sequential([keras.layers.Dense(1)]))


# === Users' blocks that cannot be folded ===
@keras.saving.register_keras_serializable("tests_of_folding")
class OwnBlock(krp.blocks.ResidualBlock):
    """A convolution and a norm, which subclasses apply in different ways."""

    def __init__(self, filters, normalization="batch", **kwargs):
        super().__init__(filters, normalization=normalization, **kwargs)

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, 3, self.strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        return self.build_in_order(input_shape, self.conv1, self.norm1)


@keras.saving.register_keras_serializable("tests_of_folding")
class ActivatesBeforeNorm(OwnBlock):
    def residual(self, x, training=None):
        return self.norm1(self.activation(self.conv1(x)), training=training)


@keras.saving.register_keras_serializable("tests_of_folding")
class StandardizedConv2D(SymmetricConv2D):
    @property
    def kernel(self):
        kernel = super().kernel
        return kernel - ops.mean(kernel, axis=(0, 1, 2))


@keras.saving.register_keras_serializable("tests_of_folding")
class StandardizesItsKernel(OwnBlock):
    def conv(self, filters, kernel_size, strides=1, *, name):
        return StandardizedConv2D(filters, kernel_size, strides, use_bias=False, name=name)

    def residual(self, x, training=None):
        return self.norm1(self.conv1(x), training=training)


@keras.saving.register_keras_serializable("tests_of_folding")
class ActivatesInTheConvolution(OwnBlock):
    def conv(self, *args, **kwargs):
        conv = super().conv(*args, **kwargs)
        conv.activation = self.activation
        return conv

    def residual(self, x, training=None):
        return self.norm1(self.conv1(x), training=training)


@keras.saving.register_keras_serializable("tests_of_folding")
class ReadsTheConvolutionTwice(OwnBlock):
    def residual(self, x, training=None):
        x = self.conv1(x)
        return x + self.norm1(x, training=training)


@keras.saving.register_keras_serializable("tests_of_folding")
class SharesItsLayers(OwnBlock):
    def residual(self, x, training=None):
        return self.norm1(self.conv1(x)) + self.norm1(self.conv1(-x))


@keras.saving.register_keras_serializable("tests_of_folding")
class HidesItsLayers(OwnBlock):
    def build_residual(self, input_shape):
        self.branch = keras.Sequential(
            [self.conv(self.filters, 3, self.strides, name="conv1"), self.norm(name="norm1")],
            name="branch",
        )
        self.branch.build(input_shape)
        return self.branch.compute_output_shape(input_shape)

    def residual(self, x, training=None):
        return self.branch(x, training=training)


@keras.saving.register_keras_serializable("tests_of_folding")
class LooksAtNumbers(OwnBlock):
    def residual(self, x, training=None):
        x = self.norm1(self.conv1(x), training=training)
        return x if float(ops.max(ops.abs(x))) > 0 else -x


@keras.saving.register_keras_serializable("tests_of_folding")
class AlwaysNormalizes(OwnBlock):
    def __init__(self, filters, **kwargs):
        super().__init__(filters, **{**kwargs, "normalization": "batch"})

    def residual(self, x, training=None):
        return self.norm1(self.conv1(x), training=training)


@keras.saving.register_keras_serializable("tests_of_folding")
class TakesNoNormalization(OwnBlock):
    def __init__(self, filters, strides=1, data_format=None, dtype=None, name=None):
        super().__init__(filters, strides=strides, data_format=data_format, dtype=dtype, name=name)

    def residual(self, x, training=None):
        return self.norm1(self.conv1(x), training=training)


@pytest.mark.parametrize(
    ("block_cls", "layer", "reason"),
    [
        (ActivatesBeforeNorm, "stack0_block0/norm1", "behind `re_lu"),
        (StandardizesItsKernel, "norm", "a StandardizedConv2D, and not"),
        (ActivatesInTheConvolution, "norm", "applies an activation before it"),
        (ReadsTheConvolutionTwice, "stack0_block0/norm1", "used more than once"),
        (SharesItsLayers, "stack0_block0/norm1", "used more than once"),
        (HidesItsLayers, "norm1", "inside of another layer"),
        (LooksAtNumbers, "stack0_block0", "cannot be traced"),
        (AlwaysNormalizes, "stack0_block0/norm1/gamma", "must build the same layers"),
        (TakesNoNormalization, "TakesNoNormalization", "must take `normalization=None`"),
    ],
)
def test_blocks_that_cannot_be_folded_are_refused(block_cls, layer, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        krp.fold_batch_norm(tiny_backbone(block_cls))
    assert layer in str(caught.value)
