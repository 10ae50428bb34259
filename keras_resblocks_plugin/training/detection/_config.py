"""The configuration of fine-tuning for detection."""

import dataclasses
from typing import ClassVar

from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectionConfig(FinetuneConfig):
    """Fine-tune a detector: KerasHub's RetinaNet on the preset's backbone.

    The results are COCO's average precisions on the validation split.

    Args:
        epochs: int. Passes over the training images. Defaults to `20`.
        batch_size: int. Images per step. Defaults to `32`.
        learning_rate: float. The peak learning rate, followed by a cosine decay. Defaults to
            `5e-4`.
        objects_column: str. The column of objects: lists of `bbox`, left, top, width and
            height in pixels, and of `category`. Defaults to `"objects"`.
        skip_bad_boxes: bool. Whether to leave out images with a box of no area or a box
            outside of the image. Defaults to `False`, an error.
        image_size: int. The side of the square images, in pixels. Defaults to `None`: the
            preset's.
    """

    task: ClassVar[str] = "detection"

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 5e-4
    objects_column: str = "objects"
    skip_bad_boxes: bool = False
    image_size: int | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.image_size is not None and self.image_size < 1:
            raise ValueError(
                f"`image_size` must be above zero. Received: image_size={self.image_size!r}"
            )
