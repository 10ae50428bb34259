"""The classes of one split by its own files: `datasets` reads every split by the first one's."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import datasets
import fsspec
import pyarrow.parquet


def own_features(path: str, split: str, cache: Path) -> datasets.Features | None:
    """What the Parquet files of a split say that its columns are.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        cache: The library's own cache.

    Returns:
        The features, or `None` where the split is not of Parquet files.

    Raises:
        ValueError: If the files of the split do not agree.
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
    # Each file of a remote dataset costs a request; one shows what the split has.
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
