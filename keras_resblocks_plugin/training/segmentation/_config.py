"""The configuration of fine-tuning for segmentation."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmentationConfig(FinetuneConfig):
    """Fine-tune a segmenter: KerasHub's DeepLabV3+ on the preset's backbone.

    The validation split is watched while training. The results are mean IoU and pixel accuracy
    on the test split.

    Args:
        epochs: int. Passes over the training images. Defaults to `30`.
        batch_size: int. Images per step. Defaults to `8`.
        learning_rate: float. The peak learning rate, followed by a cosine decay. Defaults to
            `1e-3`.
        test_split: str. The split to measure on. Defaults to `"test"`.
        mask_column: str. The column of masks of class ids. Defaults to `"mask"`.
        ignore_class: int. The id of pixels without a class. Defaults to `None`: every pixel has
            one.
        class_values: list of ints. The mask values that are classes, in the order of the
            classes. Defaults to `None`: 0, 1, and so on.
        class_names: list of strings. The names of the classes by id, without the ignored one.
            Defaults to `None`: numbers.
        image_size: tuple of two ints. The height and width to resize all images to. Defaults
            to `None`: as they are, all of one size.
    """

    task: ClassVar[str] = "segmentation"

    epochs: int = 30
    batch_size: int = 8
    learning_rate: float = 1e-3
    test_split: str = "test"
    mask_column: str = "mask"
    ignore_class: int | None = None
    class_values: Sequence[int] | None = None
    class_names: Sequence[str] | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self):
        super().__post_init__()
        names, values = self.class_names, self.class_values
        if values and names is not None and len(names) != len(values):
            raise ValueError(
                "`class_names` must have a name for each of `class_values`. Received: "
                f"{len(names)} names and {len(values)} values"
            )
        if self.image_size is not None and not all(side > 0 for side in self.image_size):
            raise ValueError(
                "`image_size` must be a height and a width above zero. Received: "
                f"image_size={self.image_size!r}"
            )
