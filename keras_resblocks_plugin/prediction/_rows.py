"""The rows of any dataset of the `datasets` library: images, and what is known of them."""

import dataclasses
from pathlib import Path
from typing import Any

import datasets

from keras_resblocks_plugin.prediction._config import PredictConfig
from keras_resblocks_plugin.prediction._whole_folder import is_whole, load_whole
from keras_resblocks_plugin.training.data._class_order import own_features
from keras_resblocks_plugin.training.data._rows import load_split


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a split, with encoded images. grain reads them by index, in several threads.

    Args:
        dataset: The rows, with the columns that are read alone.
        split: The name of the split.
        fingerprint: The digest of the dataset's files.
        root: The folder of the dataset, if it is a folder.
        image_column: The column of images.
        label_column: The column of integer labels, if there is one.
        id_column: The column of what identifies an image, if there is one.
        class_names: The classes by label, where they have names.
    """

    dataset: datasets.Dataset
    split: str
    fingerprint: str
    root: Path
    image_column: str
    label_column: str | None
    id_column: str | None
    class_names: list[str] | None

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], Any]:
        """Returns what is known of an image, and the encoded image."""
        row = self.dataset[int(index)]
        image = row[self.image_column]
        label = row[self.label_column] if self.label_column else None
        id = row[self.id_column] if self.id_column else None
        known = {
            "row": int(index),
            "path": self._shown_path(image),
            "id": None if id is None else str(id),
            # `datasets` writes labels that are missing, as in published test splits, as -1.
            "label": None if label is None or label < 0 else label,
        }
        return known, image

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that identify these rows."""
        return {
            "name": self.root.name,
            "split": self.split,
            "fingerprint": self.fingerprint,
            "rows": len(self),
            "image_column": self.image_column,
            "label_column": self.label_column,
            "id_column": self.id_column,
        }

    def _shown_path(self, image: dict | None) -> str | None:
        path = (image or {}).get("path")
        if path and Path(path).is_relative_to(self.root):
            return Path(path).relative_to(self.root).as_posix()
        return path


def open_rows(config: PredictConfig) -> Rows:
    """Opens the split that a run predicts on.

    Raises:
        ValueError: If the split or a column is missing, or there are several splits and none is
            named.
    """
    split, dataset = _load(config)
    features = dataset.features
    label, id = (
        _column(config, features, kind, fits, what)
        for kind, fits, what in (
            ("label", _is_integer, "integer labels"),
            ("id", lambda feature: isinstance(feature, datasets.Value), "values"),
        )
    )
    if not isinstance(features.get(config.image_column), datasets.Image):
        raise _missing(config, features, "image", config.image_column, "images")
    # Other columns may be images as well, which every row would decode.
    wanted = [config.image_column, *filter(None, (label, id))]
    rows = dataset.select_columns(list(dict.fromkeys(wanted)))
    return Rows(
        rows.cast_column(config.image_column, datasets.Image(decode=False)),
        *(split, dataset._fingerprint, Path(config.data).expanduser().resolve()),
        *(config.image_column, label, id),
        _class_names(config, split, features, label),
    )


def _load(config: PredictConfig) -> tuple[str, datasets.Dataset]:
    """Loads the split that the user names, or else the only one."""
    cache = config.cache and str(config.cache / "datasets")
    if config.data.startswith(("/", ".", "~")) and not Path(config.data).expanduser().exists():
        # `datasets` would say that it is no Hub id.
        raise ValueError(
            f"`data` must be a folder or a Hub id. Received: {config.data!r}, no folder"
        )
    if config.split:
        return config.split, load_split(config.data, config.split, config.cache)
    if is_whole(config.data):
        return "train", load_whole(config.data, cache)
    names = datasets.get_dataset_split_names(config.data, cache_dir=cache)
    if len(names) != 1:
        raise ValueError(
            f"`split` must be given where the dataset has several, by --split. Received: "
            f"data={config.data!r}, with the splits {', '.join(map(repr, names))}"
        )
    return names[0], load_split(config.data, names[0], config.cache)


def _column(config, features, kind, fits, what) -> str | None:
    """The column that the user names, or else one named by its kind, if it fits."""
    named = getattr(config, f"{kind}_column")
    if fits(features.get(named or kind)):
        return named or kind
    if named:
        raise _missing(config, features, kind, named, what)
    return None


def _missing(config, features, kind: str, column: str, what: str) -> ValueError:
    return ValueError(
        f"The dataset {config.data!r} needs a column {column!r} of {what}; name another with "
        f"--{kind}-column. Received: {features}"
    )


def _class_names(config, split, features, column: str | None) -> list[str] | None:
    if not isinstance(features.get(column), datasets.ClassLabel):
        return None
    cache = config.cache and config.cache / "datasets"
    own = own_features(config.data, split, cache or Path(datasets.config.HF_DATASETS_CACHE)) or {}
    return list(own.get(column, features[column]).names)


def _is_integer(feature: Any) -> bool:
    # `ClassLabel` is an int64 with names.
    return "int" in (getattr(feature, "dtype", None) or "")
