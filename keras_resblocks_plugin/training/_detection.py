"""A detector on a backbone: built, compiled, measured and shown."""

import math

import keras
import keras_hub

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._dense import check_levels
from keras_resblocks_plugin.training._jit_compile import jit_compile

FORMAT = "xyxy"
_FINEST_LEVEL = 3
# How likely an anchor is an object before anything is learnt, as in RetinaNet's paper.
_PRIOR = 0.01


def build(
    encoder: krp.ResBlockBackbone,
    num_classes: int,
    side: int,
    converter: krp.ResBlockImageConverter | None = None,
) -> keras_hub.models.RetinaNetObjectDetector:
    """RetinaNet on a backbone, for square images.

    KerasHub's anchors are for images of 800 pixels: the smallest is 32 pixels wide, and the
    largest 813. Here the coarsest level is the one of which an image is 2 × 2, and its
    anchors begin with the size of the image: for 64 pixels, levels 3 to 5 and anchors of 16
    to 101 pixels, which one of each 20 boxes of `tiny-imagenet-10` overlaps by less than half.
    """
    coarsest = min(max(int(math.log2(side)) - 1, _FINEST_LEVEL), 7)
    # RetinaNet makes the levels above the fifth itself.
    needed = [f"P{level}" for level in range(_FINEST_LEVEL, min(coarsest, 5) + 1)]
    check_levels(encoder, needed, f"detection in images of {side} pixels")
    backbone = keras_hub.models.RetinaNetBackbone(
        encoder, _FINEST_LEVEL, coarsest, use_p5=False, dtype=encoder.dtype_policy
    )
    anchors = keras_hub.layers.AnchorGenerator(
        FORMAT,
        min_level=_FINEST_LEVEL,
        max_level=coarsest,
        num_scales=3,
        aspect_ratios=[0.5, 1.0, 2.0],
        anchor_size=side / 2**coarsest,
    )
    # As in the paper. At KerasHub's 0.5 most of what average precision counts is not there.
    decoder = keras_hub.layers.NonMaxSuppression(
        FORMAT, from_logits=True, iou_threshold=0.5, confidence_threshold=0.05
    )
    model = keras_hub.models.RetinaNetObjectDetector(
        backbone,
        num_classes,
        bounding_box_format=FORMAT,
        anchor_generator=anchors,
        prediction_decoder=decoder,
        # Two layers before the last see as much of maps of 8 × 8 as four do, in half the time.
        pre_logits_num_conv_layers=2,
        preprocessor=converter and keras_hub.models.RetinaNetObjectDetectorPreprocessor(converter),
    )
    _start_heads(model)
    return model


def compile_for(
    model: keras_hub.models.RetinaNetObjectDetector, optimizer: keras.Optimizer
) -> None:
    """Compiles with KerasHub's losses, focal loss and Huber."""
    model.compile(optimizer, jit_compile=jit_compile())


def _start_heads(model: keras_hub.models.RetinaNetObjectDetector) -> None:
    """Gives the heads the initial values of RetinaNet's paper.

    KerasHub 0.32 starts the boxes with the bias that is meant for the classes, and both with
    kernels so large that the first losses are hundreds of times what they should be.
    """
    for head, bias in (
        (model.box_head, 0.0),
        (model.classification_head, -math.log((1 - _PRIOR) / _PRIOR)),
    ):
        for layer in head.conv_layers:
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
        last = head.prediction_layer
        last.kernel.assign(keras.initializers.RandomNormal(stddev=0.01)(last.kernel.shape))
        last.bias.assign(keras.ops.full(last.bias.shape, bias))
