"""`torch.compile` takes a backbone as one graph, which computes the same."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import TOLERANCE, fill, images, to_numpy, values

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.config.backend() != "torch", reason="It compiles PyTorch's code."),
]


def new_backbone():
    stacks = [4, 8], [1, 1], [1, 2]
    return fill(krp.ResBlockBackbone("bottleneck", *stacks, [8], [3], [2], input_pooling="max"))


def compiled(backbone):
    import torch

    # A break of the graph is an error. Code generation is left to PyTorch's own tests.
    return torch.compile(backbone, backend="aot_eager", fullgraph=True)


def test_inference_of_any_batch_and_size():
    import torch

    backbone = new_backbone()
    function = compiled(backbone)
    with torch.no_grad():
        for shape in ((2, 16, 16, 3), (3, 24, 20, 3)):
            x = torch.tensor(images(*shape))
            expected = to_numpy(backbone(x, training=False))
            np.testing.assert_allclose(to_numpy(function(x, training=False)), expected, **TOLERANCE)


def test_gradients_and_statistics_of_training():
    import torch

    x = torch.tensor(images(2, 16, 16, 3))
    found = []
    for prepare in (lambda backbone: backbone, compiled):
        backbone = new_backbone()
        prepare(backbone)(x, training=True).square().mean().backward()
        gradients = [to_numpy(weight.value.grad) for weight in backbone.trainable_weights]
        found.append([*gradients, *values(backbone).values()])
    for left, right in zip(*found, strict=True):
        np.testing.assert_allclose(left, right, **TOLERANCE)
