"""Predictions or features of every image of a dataset, in a Parquet file."""

import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.prediction._config import PredictConfig
from keras_resblocks_plugin.prediction._predictor import Predictor

if TYPE_CHECKING:
    from keras_resblocks_plugin.prediction._rows import Rows
    from keras_resblocks_plugin.prediction._table import Parts

# The images without a prediction that are named at the end.
_NAMED = 10


def predict(config: PredictConfig) -> dict[str, Any]:
    """Predicts on every image of a dataset, and writes a Parquet file of one row for each.

    Images are decoded in threads, a few batches ahead, and rows are written in parts, so memory
    does not grow with the dataset. A run that was interrupted continues when it is called again.
    Images that cannot be read have a row without a prediction, and are listed on the standard
    error.

    Args:
        config: `PredictConfig`. The preset, the data and the file.

    Returns:
        The number of `"rows"`, and of those with `"errors"`.

    Raises:
        ImportError: If the extra `training` is not installed.
        ValueError: If the preset has no classifier and no features are asked for, if the dataset
            has no such split or columns, or if the file or its parts were made with other
            settings.
    """
    require("training", "datasets", "PIL", "tqdm")
    from filelock import FileLock, Timeout

    from keras_resblocks_plugin.prediction._rows import open_rows
    from keras_resblocks_plugin.prediction._table import (
        Parts,
        check_finished,
        folder_of_parts,
        schema_of,
    )
    from keras_resblocks_plugin.training._runs import start_settings

    # A wrong preset is an error before the dataset is downloaded.
    preset, folder = start_settings(config.preset), folder_of_parts(config.out)
    rows = open_rows(config)
    settings = {
        "preset": preset,
        "data": rows.settings,
        **{name: getattr(config, name) for name in ("features", "top", "part_rows")},
        "backend": keras.config.backend(),
    }
    if check_finished(config.out, settings):
        print(f"{config.out} is complete already.", file=sys.stderr)
    else:
        schema = schema_of(config.features, config.top, rows.class_names)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / "lock", timeout=0):
                parts = Parts(config.out, schema, settings)
                parts.claim()
                _write(config, rows, parts)
        except Timeout:
            raise ValueError(
                f"`out` must not be written by another process at the same time. Received: "
                f"out={str(config.out)!r}"
            ) from None
    shutil.rmtree(folder, ignore_errors=True)
    return {"rows": len(rows), "errors": _list_errors(config)}


def _write(config: PredictConfig, rows: "Rows", parts: "Parts") -> None:
    from tqdm import tqdm

    done, total = parts.count(), -(-len(rows) // config.part_rows)
    if done < total:
        start = done * config.part_rows
        stream = _predicted(config, rows, start)
        # The average rate since the start: rows come in batches.
        progress = {"desc": "Predicting", "unit": " images", "smoothing": 0}
        with tqdm(total=len(rows), initial=start, **progress) as bar:
            for number in range(done, total):
                part = []
                for row in itertools.islice(stream, config.part_rows):
                    part.append(row)
                    bar.update()
                parts.write(number, part)
    parts.join(total)


def _predicted(config: PredictConfig, rows: "Rows", start: int) -> Iterator[dict[str, Any]]:
    """The rows of the file from `start` on."""
    import grain

    predictor = Predictor(config.preset, top=config.top, features=config.features)

    def prepare(row: tuple[dict, Any]) -> tuple[dict, Any]:
        known, image = row
        return known, predictor.prepare(image)

    ahead = grain.ReadOptions(os.cpu_count() or 1, 2 * config.batch_size)
    images = iter(grain.MapDataset.source(rows)[start:].map(prepare).to_iter_dataset(ahead))
    while batch := list(itertools.islice(images, config.batch_size)):
        columns = predictor.columns([image for _, image in batch], config.batch_size)
        for (known, _), *values in zip(batch, *columns.values(), strict=True):
            yield {**known, **dict(zip(columns, values, strict=True))}


def _list_errors(config: PredictConfig) -> int:
    """Lists the images without a prediction on the standard error; returns their number."""
    from keras_resblocks_plugin.prediction._table import rows_with_errors

    errors = rows_with_errors(config.out)
    named = list(itertools.islice(errors, _NAMED))
    count = len(named) + sum(1 for _ in errors)
    if count:
        # Programs may read the standard output.
        lines = [f"Images without a prediction, as the column `error` says: {count}"]
        for row in named:
            name = row["path"] or row["id"]
            lines.append(f"  row {row['row']}{f' ({name})' if name else ''}: {row['error']}")
        print(*lines, *(["  …"] if count > len(named) else []), sep="\n", file=sys.stderr)
    return count
