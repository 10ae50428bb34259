"""Fine-tuning of a preset for a task."""

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.training._cluster import ending_together
from keras_resblocks_plugin.training.classification._config import ClassificationConfig
from keras_resblocks_plugin.training.detection._config import DetectionConfig
from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig
from keras_resblocks_plugin.training.segmentation._config import SegmentationConfig


def finetune(config: FinetuneConfig) -> None:
    """Fine-tunes a preset for a task, and saves it as a preset with its results and card.

    The preset is saved to `config.out / "preset"`, and with `strategy="lora"` in classification
    its adapter to `config.out / "adapter"`. An interrupted run continues when it is started
    again with an equal configuration. A finished run is measured and saved again. SIGTERM ends a
    run after the current step.

    Args:
        config: `ClassificationConfig`, `SegmentationConfig` or `DetectionConfig`. The preset,
            the data and the hyperparameters of the task.

    Raises:
        ImportError: If the extra `training` is not installed.
        TypeError: If `config` is of another class.
        ValueError: If the data or the preset does not fit the task, if the folder has a run
            with other settings, or if training diverges.
        Preempted: After SIGTERM and a backup.
    """
    require("training", "datasets", "matplotlib", "PIL", "psutil", "tqdm")
    match config:
        case ClassificationConfig():
            from keras_resblocks_plugin.training.classification._run import run
        case SegmentationConfig():
            from keras_resblocks_plugin.training.segmentation._run import run
        case DetectionConfig():
            require("training", "pycocotools")
            from keras_resblocks_plugin.training.detection._run import run
        case _:
            raise TypeError(
                "`config` must be a `ClassificationConfig`, a `SegmentationConfig` or a "
                f"`DetectionConfig`. Received: config={config!r}"
            )
    import keras

    keras.utils.set_random_seed(config.seed)
    with ending_together():
        run(config)
