"""`keras-resblocks finetune`, one command a task."""

from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.training import (
    ClassificationConfig,
    DetectionConfig,
    SegmentationConfig,
)
from keras_resblocks_plugin.training import finetune as _finetune


def run_classification(config: ClassificationConfig) -> None:
    """Fine-tune a classifier: a new head on the backbone of a preset.

    The results are top-1 and top-5 accuracy on the validation split. Run the same command again
    to resume a run that was killed. Requires the "training" extra.
    """
    _finetune(config)


def run_segmentation(config: SegmentationConfig) -> None:
    """Fine-tune a segmenter: KerasHub's DeepLabV3+ on the backbone of a preset.

    The result is the mean IoU on the test split. Run the same command again to resume a run that
    was killed. Requires the "training" extra.
    """
    _finetune(config)


def run_detection(config: DetectionConfig) -> None:
    """Fine-tune a detector: KerasHub's RetinaNet on the backbone of a preset.

    The result is COCO's mAP on the validation split. Run the same command again to resume a run
    that was killed. Requires the "training" extra.
    """
    _finetune(config)


TASKS = {
    "classification": options_of(ClassificationConfig, run_classification, "preset"),
    "segmentation": options_of(SegmentationConfig, run_segmentation, "preset"),
    "detection": options_of(DetectionConfig, run_detection, "preset"),
}
