"""Stand-ins for the configurations of fine-tuning, until the branch that makes them is merged."""

import dataclasses
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.training._distribution import DistributionConfig

Strategy = Literal["linear", "norm", "lora", "full"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """The arguments of fine-tuning that do not depend on the task.

    Use `ClassificationConfig`, `SegmentationConfig` or `DetectionConfig`, which add the
    arguments of their task and the defaults of `epochs`, `batch_size` and `learning_rate`.

    Args:
        preset: str. The preset to start from: a name, a folder, or `"hf://user/name"`.
        data: str. A folder or Hub id for `datasets.load_dataset`.
        out: Path. The folder of the run. An interrupted run continues in it.
        epochs: int. Passes over the training images.
        batch_size: int. Images per step.
        learning_rate: float. The peak learning rate, followed by a cosine decay.
        weight_decay: float. Decoupled weight decay of kernels. Defaults to `1e-4`.
        strategy: str. What learns besides the head, see `krp.freeze`. Defaults to `"full"`.
        rank: int. The rank of LoRA, with `strategy="lora"` only. `None`, the default, is 4.
        update_batch_norm: bool. Whether batch-norm statistics follow the data. Defaults to
            `False`.
        from_scratch: bool. Whether to train the same network from random weights. Defaults to
            `False`.
        train_split: str. The split to train on. Defaults to `"train"`.
        validation_split: str. The split to validate on. Defaults to `"validation"`.
        image_column: str. The column of images. Defaults to `"image"`.
        skip_unreadable: bool. Whether to leave out images that cannot be read. Defaults to
            `False`, an error.
        dtype: str. The precision policy while training. The saved preset is float32. Defaults
            to `"float32"`.
        license: str. The license of the weights, for the card. Defaults to `"other"`.
        data_license: str. The license of the data, for the card. Defaults to `""`.
        seed: int. The seed of weights and batches. Defaults to `0`.

    Raises:
        ValueError: If a value is out of range, or `rank` or `from_scratch` does not fit
            `strategy`.
    """

    # The task's name on the command line and in a run's records.
    task: ClassVar[str]

    preset: str
    data: str
    out: Path
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 1e-4
    strategy: Strategy = "full"
    rank: int | None = None
    update_batch_norm: bool = False
    from_scratch: bool = False
    train_split: str = "train"
    validation_split: str = "validation"
    image_column: str = "image"
    skip_unreadable: bool = False
    dtype: str = "float32"
    license: str = "other"
    data_license: str = ""
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "learning_rate"):
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"`{name}` must be above zero. Received: {name}={value!r}")
        if self.rank is not None and self.strategy != "lora":
            raise ValueError(
                "`rank` needs `strategy='lora'`; leave it out with another strategy. Received: "
                f"rank={self.rank!r}, strategy={self.strategy!r}"
            )
        if self.rank is not None and self.rank < 1:
            raise ValueError(f"`rank` must be above zero. Received: rank={self.rank!r}")
        if self.from_scratch and self.strategy != "full":
            raise ValueError(
                "`from_scratch` has no trained weights to freeze: use `strategy='full'`. "
                f"Received: strategy={self.strategy!r}"
            )


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
        images_per_class: int. How many images of each class to train on. `None`, the default,
            is all.
        held_out_per_class: int. How many other training images of each class to hold out and
            watch, to choose hyperparameters by. Defaults to `0`.
        distribution: DistributionConfig. Training on several devices. Defaults to one device.
    """

    task: ClassVar[str] = "classification"

    epochs: int = 30
    batch_size: int = 50
    learning_rate: float = 1e-3
    label_column: str = "label"
    images_per_class: int | None = None
    held_out_per_class: int = 0
    distribution: DistributionConfig = DistributionConfig()  # noqa: RUF009

    def __post_init__(self):
        super().__post_init__()
        too_few = self.images_per_class is not None and self.images_per_class < 1
        if too_few or self.held_out_per_class < 0:
            raise ValueError(
                "`images_per_class` must be one or more, `held_out_per_class` zero or more. "
                f"Received: images_per_class={self.images_per_class!r}, "
                f"held_out_per_class={self.held_out_per_class!r}"
            )


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
        ignore_class: int. The id of pixels that have no class. `None`, the default, is no id.
        class_values: list of ints. The mask values that are classes, in the order of the
            classes. `None`, the default, is 0, 1, and so on.
        class_names: list of strings. The names of the classes by id, without the ignored one.
            `None`, the default, names them by number.
        image_size: tuple of two ints. The height and width to resize all images to. `None`,
            the default, keeps their size, which must then be the same for all.
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
        if self.class_values and self.class_names is not None:  # noqa: SIM102
            if len(self.class_names) != len(self.class_values):
                raise ValueError(
                    "`class_names` must have a name for each of `class_values`. Received: "
                    f"{len(self.class_names)} names and {len(self.class_values)} values"
                )
        if self.image_size is not None and not all(side > 0 for side in self.image_size):
            raise ValueError(
                "`image_size` must be a height and a width above zero. Received: "
                f"image_size={self.image_size!r}"
            )


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
        image_size: int. The side of the square images, in pixels. `None`, the default, is the
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


def _namespace(config: Any) -> Namespace:
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    inner = values.pop("distribution", None)
    return Namespace(**values, **(dataclasses.asdict(inner) if inner else {}))


def finetune(config: FinetuneConfig) -> None:
    """Fine-tunes."""
    require("training", "datasets", "PIL", "matplotlib")
    import importlib

    import keras

    from keras_resblocks_plugin.training import _finetuning

    args = _namespace(config)
    args.task = config.task
    _finetuning.check_arguments(args)
    keras.utils.set_random_seed(args.seed)
    importlib.import_module(f"keras_resblocks_plugin.training._finetune_{config.task}").run(args)
