"""The segmenter to fine-tune: DeepLabV3+ on a backbone."""

import keras
import keras_hub

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._jit_compile import jit_compile
from keras_resblocks_plugin.training.finetuning._dense import check_levels

# The level with sharp edges, 4 times smaller than the image, as in DeepLabV3+.
_LOW_LEVEL = 2


def stride(encoder: krp.ResBlockBackbone) -> int:
    """Returns the number that the sides of an image must be multiples of."""
    return 2 ** _deepest_level(encoder)


def build(
    encoder: krp.ResBlockBackbone,
    num_classes: int,
    converter: krp.ResBlockImageConverter | None = None,
) -> keras_hub.models.DeepLabV3ImageSegmenter:
    """Builds DeepLabV3+ on all levels of a backbone.

    The pyramid pooling reads the last level, so that every weight of the backbone is used. Its
    dilation rates are 1, 2 and 3: KerasHub's 6, 12 and 18 are for maps of 32 × 32. On a map of
    6 × 8 they reach past the edges, and a kernel of nine weights sees no more than one weight.

    Args:
        encoder: The backbone.
        num_classes: The number of classes, without the ignored one.
        converter: The image converter of the preprocessor. Without one, the segmenter has no
            preprocessor.

    Raises:
        ValueError: If the backbone has no level 2.
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
    """Compiles with a loss and a metric that leave out pixels of the ignored class."""
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
