"""The detector to fine-tune: RetinaNet on a backbone."""

import math

import keras
import keras_hub

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._jit_compile import jit_compile
from keras_resblocks_plugin.training.finetuning._dense import check_levels

FORMAT = "xyxy"
_FINEST_LEVEL = 3
# The probability of an object at an anchor before training, as in RetinaNet's paper.
_PRIOR = 0.01


def build(
    encoder: krp.ResBlockBackbone,
    num_classes: int,
    side: int,
    converter: krp.ResBlockImageConverter | None = None,
) -> keras_hub.models.RetinaNetObjectDetector:
    """Builds RetinaNet on a backbone, for square images.

    KerasHub's anchors are for images of 800 pixels: the smallest is 32 pixels wide, and the
    largest 813. Here the coarsest level is the one with 2 × 2 cells, and its smallest anchor
    is as large as the image. For 64 pixels, these are levels 3 to 5 and anchors of 16 to 101
    pixels; one in 20 boxes of `tiny-imagenet-10` overlaps each of them by less than half.

    Args:
        encoder: The backbone.
        num_classes: The number of classes.
        side: The side of the images in pixels.
        converter: The image converter of the preprocessor. Without one, the detector has no
            preprocessor.

    Raises:
        ValueError: If the backbone lacks a level.
    """
    coarsest = min(max(int(math.log2(side)) - 1, _FINEST_LEVEL), 7)
    # RetinaNet computes the levels above the fifth itself.
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
    # As in the paper. KerasHub's 0.5 drops most boxes that average precision counts.
    decoder = keras_hub.layers.NonMaxSuppression(
        FORMAT, from_logits=True, iou_threshold=0.5, confidence_threshold=0.05
    )
    model = keras_hub.models.RetinaNetObjectDetector(
        backbone,
        num_classes,
        bounding_box_format=FORMAT,
        anchor_generator=anchors,
        prediction_decoder=decoder,
        # On maps of 8 × 8, two layers see as much as KerasHub's four, in half the time.
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
    """Initializes the heads as in RetinaNet's paper.

    KerasHub 0.32 initializes the box head with the bias of the class head, and both with
    kernels so large that the first losses are hundreds of times too high.
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
