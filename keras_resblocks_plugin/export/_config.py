"""The settings of an export."""

import dataclasses
from pathlib import Path

from keras_resblocks_plugin.export._formats import FormatName


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The settings of an export.

    Args:
        preset: str. A name, a folder, or `hf://user/name`.
        out: Path. The folder to write to.
        formats: tuple of str or `None`. The formats to write. Defaults to `None`, which stands
            for all.
        with_preprocessing: bool. Put the normalization into the files, so that they take images
            from 0 to 255. Defaults to `False`.
        data: str or `None`. A folder or Hub id for `load_dataset`, to compare the files on; the
            samples of the preset if not set. Defaults to `None`.
        split: str. The split to compare on. Defaults to `"validation"`.
        calibration_split: str. The split that calibrates litert-int8. Defaults to `"train"`.
        calibration_images: int. How many of its images, drawn at random. Defaults to `500`.
        cache: Path or `None`. A folder for decoded images of `data`, which are then decoded once.
            Defaults to `None`: a temporary folder.
        image_column: str. The column of images. Defaults to `"image"`.
        label_column: str. The column of integer labels. Defaults to `"label"`.
        skip_unreadable: bool. Leave out images that cannot be read. Defaults to `False`.
        runs: int. How often to time each file; 0 for no times. Defaults to `50`.
        readme: Path or `None`. A Markdown file whose section `export` to replace with the
            results. Defaults to `None`.
    """

    preset: str
    out: Path
    formats: tuple[FormatName, ...] | None = None
    with_preprocessing: bool = False
    data: str | None = None
    split: str = "validation"
    calibration_split: str = "train"
    calibration_images: int = 500
    cache: Path | None = None
    image_column: str = "image"
    label_column: str = "label"
    skip_unreadable: bool = False
    runs: int = 50
    readme: Path | None = None
