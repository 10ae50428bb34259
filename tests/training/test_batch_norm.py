"""Batch-norm statistics of averaged weights."""

import keras
import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._batch_norm import recompute_batch_norm


def test_recomputed_statistics_are_those_of_the_data():
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    rng = np.random.default_rng(0)
    batches = [(rng.normal(2, 3, (16, 8, 8, 3)).astype("float32"), None) for _ in range(4)]
    recompute_batch_norm(backbone, batches, range(4))
    stem = backbone.get_layer("stem0_conv")
    norm = backbone.get_layer("stem0_norm")
    features = [keras.ops.convert_to_numpy(stem(x)) for x, _ in batches]
    mean = np.mean([f.mean((0, 1, 2)) for f in features], axis=0)
    variance = np.mean([f.var((0, 1, 2)) for f in features], axis=0)
    # Sums of a few thousand float32 numbers of order 1, in another order.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(norm.moving_mean), mean, atol=1e-5)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(norm.moving_variance), variance, rtol=1e-4
    )
    assert norm.momentum == 0.9
