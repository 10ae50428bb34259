"""Batch-norm statistics of averaged weights."""

from collections.abc import Iterable
from typing import Any

import keras

import keras_resblocks_plugin as krp


def recompute_batch_norm(
    backbone: krp.ResBlockBackbone, batches: Iterable[tuple[Any, Any]], progress: Iterable[int]
) -> None:
    """Sets the moving statistics to those of the current weights over some batches.

    Averaged weights have processed no data, so the statistics of the weights that they average
    do not fit them ([Izmailov et al., 2018](https://arxiv.org/abs/1803.05407)).

    Args:
        backbone: The backbone with averaged weights.
        batches: Batches of images and labels; the labels are ignored.
        progress: The numbers of the batches to use, from 0.
    """
    norms = [
        child
        for layer in backbone.layers
        for child in (layer, *vars(layer).values())
        if isinstance(child, keras.layers.BatchNormalization)
    ]
    momentums = [norm.momentum for norm in norms]
    for step, (x, _) in zip(progress, batches, strict=False):
        for norm in norms:
            # The running mean of all batches so far, each with the same weight.
            norm.momentum = step / (step + 1)
        backbone(x, training=True)
    for norm, momentum in zip(norms, momentums, strict=True):
        norm.momentum = momentum
