"""A segmenter on a backbone: built, compiled, measured and shown."""

import keras
import keras_hub

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._dense import check_levels
from keras_resblocks_plugin.training._jit_compile import jit_compile

# Where edges are sharp still: 4 times smaller than the image, as in DeepLabV3+.
_LOW_LEVEL = 2


def stride(encoder: krp.ResBlockBackbone) -> int:
    """What the sides of an image must divide by."""
    return 2 ** _deepest_level(encoder)


def build(
    encoder: krp.ResBlockBackbone,
    num_classes: int,
    converter: krp.ResBlockImageConverter | None = None,
) -> keras_hub.models.DeepLabV3ImageSegmenter:
    """DeepLabV3+ on the whole of a backbone.

    The context is taken where the backbone ends, so that all of its weights are of use, and
    dilated by 1, 2 and 3: KerasHub's 6, 12 and 18 are for maps of 32 × 32 and reach past the
    edges of one of 6 × 8, where nine weights see no more than one does.
    """
    level = _deepest_level(encoder)
    check_levels(encoder, [f"P{_LOW_LEVEL}", f"P{level}"], "segmentation")
    backbone = keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        low_level_feature_key=f"P{_LOW_LEVEL}",
        spatial_pyramid_pooling_key=f"P{level}",
        upsampling_size=2 ** (level - _LOW_LEVEL),
        dilation_rates=[1, 2, 3],
        projection_filters=48,
    )
    return keras_hub.models.DeepLabV3ImageSegmenter(
        backbone,
        num_classes,
        preprocessor=converter and keras_hub.models.DeepLabV3ImageSegmenterPreprocessor(converter),
    )


def compile_for(
    model: keras_hub.models.DeepLabV3ImageSegmenter, optimizer: keras.Optimizer
) -> None:
    """Compiles with a loss and a metric that leave out pixels of no class."""
    ignored = model.num_classes
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored),
        metrics=[
            keras.metrics.MeanIoU(
                model.num_classes, ignore_class=ignored, sparse_y_pred=False, name="mean_iou"
            )
        ],
        jit_compile=jit_compile(),
    )


def _deepest_level(encoder: krp.ResBlockBackbone) -> int:
    return max(int(key.removeprefix("P")) for key in encoder.pyramid_outputs)
