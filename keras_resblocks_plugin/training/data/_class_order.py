"""The features of one split as its own files declare them.

`datasets` reads every split with the features of the first one.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import datasets
import fsspec
import pyarrow.parquet


def own_features(path: str, split: str, cache: Path) -> datasets.Features | None:
    """Returns the features that the Parquet files of a split declare.

    Args:
        path: A local folder or a Hub id for `datasets.load_dataset`.
        split: The name of the split.
        cache: The cache folder of `datasets`.

    Returns:
        The features, or `None` if the split has no Parquet files.

    Raises:
        ValueError: If the files of the split have different features.
    """
    builder = datasets.load_dataset_builder(path, cache_dir=str(cache))
    files = (builder.config.data_files or {}).get(split.split("[")[0], [])
    files = [str(file) for file in files if str(file).endswith(".parquet")]
    found = {file: features for file, features in _read(files)}
    if not found:
        return None
    first, *others = found
    for other in others:
        if found[other] != found[first]:
            raise ValueError(
                f"All files of the split {split!r} of {path!r} must list the same classes in the "
                f"same order. Received: {first} and {other}, which do not. Write them again with "
                "the same features."
            )
    return found[first]


def _read(files: list[str]) -> Iterator[tuple[str, datasets.Features]]:
    # Each file of a remote dataset costs a request, so only the first is read.
    local = [file for file in files if "://" not in file]
    for file in local or files[:1]:
        try:
            with fsspec.open(file) as stream:
                schema = pyarrow.parquet.read_schema(stream)
        except OSError as error:
            warnings.warn(
                f"The order of classes in {file} cannot be checked: {error}", stacklevel=2
            )
            continue
        yield file, datasets.Features.from_arrow_schema(schema)
