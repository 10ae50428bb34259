"""The configuration of fine-tuning for classification."""

import dataclasses
from typing import ClassVar

from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training.data._input_mode import InputMode
from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassificationConfig(FinetuneConfig):
    """Fine-tune a classifier: a new head on the preset's backbone.

    The results are top-1 and top-5 accuracy on the validation split.

    Args:
        epochs: int. Passes over the training images. Defaults to `30`.
        batch_size: int. Images per step, on all devices together. Defaults to `50`.
        learning_rate: float. The peak learning rate, followed by a cosine decay. Defaults to
            `1e-3`.
        label_column: str. The column of integer labels. Defaults to `"label"`.
        images_per_class: int. How many images of each class to train on. Defaults to `None`:
            all.
        held_out_per_class: int. How many other training images of each class to hold out and
            watch, to choose hyperparameters by. Defaults to `0`.
        input: `"auto"`, `"stream"` or `"array"`. `"array"` decodes all images once, to
            memory-mapped files. `"stream"` decodes them whenever they are needed, and stores
            nothing. `"auto"` is `"array"` where that takes at most half of the memory. Defaults
            to `"auto"`.
        distribution: DistributionConfig. Training on several devices. Defaults to one device.
    """

    task: ClassVar[str] = "classification"

    epochs: int = 30
    batch_size: int = 50
    learning_rate: float = 1e-3
    label_column: str = "label"
    images_per_class: int | None = None
    held_out_per_class: int = 0
    input: InputMode = "auto"
    distribution: DistributionConfig = dataclasses.field(default_factory=DistributionConfig)

    def __post_init__(self):
        super().__post_init__()
        too_few = self.images_per_class is not None and self.images_per_class < 1
        if too_few or self.held_out_per_class < 0:
            raise ValueError(
                "`images_per_class` must be one or more, `held_out_per_class` zero or more. "
                f"Received: images_per_class={self.images_per_class!r}, "
                f"held_out_per_class={self.held_out_per_class!r}"
            )
