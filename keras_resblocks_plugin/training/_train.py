"""Training by a recipe: its settings, and the function that starts it."""

import dataclasses
from pathlib import Path
from typing import Literal

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.training._cluster import ending_together
from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training._recipe import read_recipe
from keras_resblocks_plugin.training.data._input_mode import TrainInputMode


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of a training run.

    Args:
        data: str. A folder or Hub id for `datasets.load_dataset`.
        recipe: str. The name of a published recipe, a TOML file, or a preset, to repeat its
            recorded recipe. The names are `he2015`, `goyal2017`, `torchvision_v2`, `a1`, `a2`, `a3`
            and `mlperf_tiny`.
        out: Path. The folder of the run. A killed run resumes in it.
        preset: Path. The folder to save the preset to. Defaults to `out / "preset"`.
        start: str. A preset whose weights to start from, including the head. Defaults to
            `None`: random weights.
        validation_split: str. The split to report on. Defaults to `"validation"`.
        image_column: str. The column of images. Defaults to `"image"`.
        label_column: str. The column of integer labels. Defaults to `"label"`.
        skip_unreadable: bool. Whether to leave out images that cannot be read. Defaults to
            `False`.
        input: `"auto"`, `"stream"`, `"array"` or `"device"`. `"array"` decodes all images once, to
            memory-mapped files. `"stream"` decodes them whenever they are needed, and stores
            nothing. `"device"` copies decoded images into the memory of a single accelerator,
            which augments them, on JAX. `"auto"` is `"device"` or `"array"` where that takes at
            most half of the memory. Defaults to `"auto"`.
        license: str. The license of the weights, for the card. Defaults to `"other"`.
        data_license: str. The license of the data, for the card. Defaults to `""`.
        bfloat16: bool. Whether to store the weights in half the size if no accuracy changes by
            more than 0.1 points. Defaults to `False`.
        seed: int. The seed of weights, batches and held-out images. Defaults to `0`.
        epochs: int. Replaces the recipe's `epochs`. Defaults to `None`.
        minutes: float. Trains for so long, in place of a number of epochs; the learning rate
            follows the clock. Needs a single process. Defaults to `None`.
        dtype: str. Replaces the recipe's `dtype`. Defaults to `None`.
        accumulate: int. Sums the gradients of so many batches for each update, with equal shares
            of the recipe's batch, which then fits a smaller machine. Defaults to `None`.
        keep_checkpoints: int. The last epochs whose weights are kept in `out / "checkpoints"`,
            beside those of the best epoch on held-out images. Defaults to `1`.
        distribution: `DistributionConfig`. The devices and processes. Defaults to one of each.

    Raises:
        ValueError: If a value is out of range, or both `epochs` and `minutes` are given.
    """

    data: str
    recipe: str
    out: Path
    preset: Path | None = None
    start: str | None = None
    validation_split: str = "validation"
    image_column: str = "image"
    label_column: str = "label"
    skip_unreadable: bool = False
    input: TrainInputMode = "auto"
    license: str = "other"
    data_license: str = ""
    bfloat16: bool = False
    seed: int = 0
    epochs: int | None = None
    minutes: float | None = None
    dtype: Literal["float32", "mixed_bfloat16"] | None = None
    accumulate: int | None = None
    keep_checkpoints: int = 1
    distribution: DistributionConfig = dataclasses.field(default_factory=DistributionConfig)

    def __post_init__(self):
        if self.keep_checkpoints < 0:
            raise ValueError(
                "`keep_checkpoints` must be the number of epochs to keep, or 0 for the best alone. "
                f"Received: keep_checkpoints={self.keep_checkpoints}"
            )
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"`minutes` must be above zero. Received: minutes={self.minutes}")
        if self.minutes is not None and self.epochs is not None:
            raise ValueError(
                "`minutes` and `epochs` both say how long to train: leave one out. "
                f"Received: minutes={self.minutes}, epochs={self.epochs}"
            )

    @property
    def preset_folder(self) -> Path:
        """The folder to save the preset to."""
        return self.preset or self.out / "preset"


def train(config: TrainConfig) -> None:
    """Trains a classifier by a recipe, and saves it as a preset with its results and card.

    Killed and started again with the same settings, the run resumes; started again after it
    has finished, it measures and saves again.

    Args:
        config: `TrainConfig`. The settings of the run.

    Raises:
        ImportError: If the extra `training` is not installed.
        ValueError: If the recipe, the dataset or the settings are invalid, or `config.out` has
            a run with other settings.
        Diverged: At the first loss or prediction that is not finite.
        Preempted: After SIGTERM and a backup.
    """
    # Before the slow imports, so that a typing error is found at once.
    recipe = read_recipe(config.recipe, config.epochs, config.dtype, config.accumulate)
    require("training", "datasets", "matplotlib", "PIL", "psutil", "tqdm")

    from keras_resblocks_plugin.training import _train_loop

    with ending_together():
        _train_loop.run(config, recipe)
