"""The settings of predictions of many images."""

import dataclasses
from pathlib import Path

from keras_resblocks_plugin._utils._validation import check_positive_int


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """The settings of predictions, or of features, of every image of a dataset.

    Args:
        preset: str. A name, a folder, or `"hf://user/name"`.
        data: str. A folder of images, or a folder or Hub id for `datasets.load_dataset`.
        out: Path. The Parquet file to write.
        split: str. The split to read, which is needed where there are several. Defaults to
            `None`: the only one.
        features: bool. Whether to write the pooled features instead of predictions. Defaults to
            `False`.
        top: int. The number of classes in the additional columns `class_names` and
            `probabilities`. Defaults to `None`: no such columns.
        image_column: str. The column of images. Defaults to `"image"`.
        label_column: str. The column of integer labels. Defaults to `None`: `"label"`, if there
            is one.
        id_column: str. The column of what identifies an image. Defaults to `None`: `"id"`, if
            there is one.
        batch_size: int. Images a step. Defaults to `128`.
        part_rows: int. Rows that are written at once. A run that was killed predicts no more than
            these again. Defaults to `2048`.
        cache: Path. A folder for the files that `datasets` prepares. Defaults to `None`: that
            library's own cache.
    """

    preset: str
    data: str
    out: Path
    split: str | None = None
    features: bool = False
    top: int | None = None
    image_column: str = "image"
    label_column: str | None = None
    id_column: str | None = None
    batch_size: int = 128
    part_rows: int = 2048
    cache: Path | None = None

    def __post_init__(self):
        check_positive_int("batch_size", self.batch_size)
        check_positive_int("part_rows", self.part_rows)
        check_top(self.top, self.features)


def check_top(top: int | None, features: bool) -> None:
    """Checks the number of likeliest classes.

    Raises:
        ValueError: If it is not a positive integer, or features are asked for as well.
    """
    if top is None:
        return
    check_positive_int("top", top)
    if features:
        raise ValueError(
            "`top` must be left out with `features`, which are written instead of predictions. "
            f"Received: top={top}"
        )
