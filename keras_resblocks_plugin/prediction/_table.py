"""The columns of predictions, and their file in parts."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin._utils._replace import replacing_file
from keras_resblocks_plugin.training import _provenance

# The key of the file's metadata that holds its settings.
_MADE_BY = b"keras_resblocks_plugin"


def schema_of(features: bool, top: int | None, class_names: list[str] | None) -> pa.Schema:
    """Returns the names and types of the columns.

    Args:
        features: Whether they are features instead of predictions.
        top: The number of classes in the list columns, or `None` if there are no such columns.
        class_names: The classes by label, which `datasets` then reads from the file.
    """
    numbers = pa.list_(pa.float32())
    results = {"class_name": pa.string(), "probability": pa.float32()}
    if top:
        results |= {"class_names": pa.list_(pa.string()), "probabilities": numbers}
    known = {"row": pa.int64(), "path": pa.string(), "id": pa.string(), "label": pa.int64()}
    results = {"features": numbers} if features else results
    schema = pa.schema({**known, **results, "error": pa.string()})
    if class_names is None:
        return schema
    declared = datasets.Features.from_arrow_schema(schema)
    declared["label"] = datasets.ClassLabel(names=class_names)
    return schema.with_metadata(declared.arrow_schema.metadata)


def check_finished(out: Path, settings: Mapping[str, Any]) -> bool:
    """Tells whether a file has the predictions of these settings.

    Raises:
        ValueError: If it has others.
    """
    if not out.exists():
        return False
    made_by = None
    if out.is_file():
        try:
            metadata = pq.read_schema(out).metadata or {}
        except pa.ArrowInvalid:
            metadata = {}
        made_by = json.loads(metadata[_MADE_BY]) if _MADE_BY in metadata else None
    _provenance.check(made_by, settings, str(out), "Give another --out, or remove it.")
    return True


class Parts:
    """The parts of a file that is being written; each is written whole, in order.

    Args:
        out: The file. Its parts lie beside it, in a folder.
        schema: The names and types of the columns.
        settings: The settings that the file depends on.
    """

    def __init__(self, out: Path, schema: pa.Schema, settings: Mapping[str, Any]):
        self.out, self.schema, self.settings = out, schema, settings
        self.folder = folder_of_parts(out)

    def claim(self) -> None:
        """Records the settings, or checks that the parts that there are have the same.

        Raises:
            ValueError: If they have others.
        """
        _provenance.claim(
            self.folder / "settings.json",
            self.settings,
            is_used=self._file(0).exists(),
            way_out="Give the same ones to continue it, give another --out, or remove the folder.",
        )

    def count(self) -> int:
        """Returns the number of parts that are complete."""
        number = 0
        while self._file(number).exists():
            number += 1
        return number

    def write(self, number: int, rows: list[dict[str, Any]]) -> None:
        """Writes a part."""
        with replacing_file(self._file(number)) as staged:
            pq.write_table(pa.Table.from_pylist(rows, self.schema), staged)

    def join(self, count: int) -> None:
        """Writes the file from its parts, of which one at a time is in memory."""
        made_by = to_json(_provenance.normalized(self.settings)).encode()
        schema = self.schema.with_metadata({**(self.schema.metadata or {}), _MADE_BY: made_by})
        with replacing_file(self.out) as staged, pq.ParquetWriter(staged, schema) as writer:
            for number in range(count):
                part = pq.read_table(self._file(number), partitioning=None)
                writer.write_table(part.cast(schema))

    def _file(self, number: int) -> Path:
        return self.folder / f"part-{number:05}.parquet"


def folder_of_parts(out: Path) -> Path:
    """Returns the folder of the parts of a file."""
    return out.with_name(f"{out.name}.parts")


def rows_with_errors(out: Path) -> Iterator[dict[str, Any]]:
    """Reads what is known of the images that have no prediction."""
    with pq.ParquetFile(out) as file:
        for batch in file.iter_batches(columns=["row", "path", "id", "error"]):
            yield from batch.filter(batch["error"].is_valid()).to_pylist()
