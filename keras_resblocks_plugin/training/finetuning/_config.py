"""The configuration that every fine-tuning task shares."""

import dataclasses
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from keras_resblocks_plugin._utils._validation import check_choice

Strategy = Literal["linear", "norm", "lora", "full"]
# These do not change what is learned, or `start` and `data` of a run's settings cover them.
_NOT_SETTINGS = frozenset(
    {"preset", "data", "out", "license", "data_license", "distribution", "input"}
)


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
        rank: int. The rank of LoRA, with `strategy="lora"` only. Defaults to `None`: 4.
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
        check_choice("strategy", self.strategy, get_args(Strategy))
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

    def settings(self) -> dict[str, Any]:
        """Returns the arguments that the result depends on, as a run's folder records them."""
        arguments = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in _NOT_SETTINGS
        }
        return {"task": self.task, **arguments}
