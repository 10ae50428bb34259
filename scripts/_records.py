"""The records of presets, checked against their weights."""

from collections.abc import Iterable
from pathlib import Path

from keras_resblocks_plugin.saving._training_record import RECORD_FILE, TrainingRecord
from keras_resblocks_plugin.training._runs import weights_digest


def read_record(folder: Path) -> TrainingRecord:
    """Reads the `training.json` of a preset folder, if it is about the weights in the folder.

    Raises:
        ValueError: If there is no record, or the weights were replaced after they were measured.
    """
    record = TrainingRecord.read(folder)
    # Records of earlier versions have no digest.
    if record.weights not in (None, weights_digest(folder)):
        raise ValueError(
            f"The figures in {folder}/{RECORD_FILE} are those of other weights than the folder "
            "has. Run the training again, or remove the file."
        )
    return record


def which_weights(preset: str, digest: str) -> str:
    """Says whether something was measured with the weights that a bundled preset has now."""
    import keras_resblocks_plugin as krp

    bundled = krp.list_presets().get(preset)
    if bundled and weights_digest(Path(bundled["handle"])) == digest:
        return f"The weights are those bundled as `{preset}`, digest `{digest}`."
    return f"The weights are not those bundled as `{preset}`: their digest is `{digest}`."


def measurements(record: TrainingRecord) -> dict[str, dict]:
    """The figures of validation images, by dataset: `classes`, `images`, `top1` and `top5`."""
    data, results = record.data, record.results
    own = {"classes": data["classes"], "images": data["validation_images"]}
    own |= {key: results[f"validation_{key}"] for key in ("top1", "top5")}
    return {data["name"]: own} | {other["name"]: other for other in record.measured_on or []}


def comparable(records: Iterable[TrainingRecord]) -> str:
    """The dataset on which all presets were measured; of several, that of the fewest classes."""
    figures = [measurements(record) for record in records]
    common = set.intersection(*map(set, figures))
    if not common:
        raise ValueError("The presets were not measured on any dataset in common.")
    return min(common, key=lambda name: (figures[0][name]["classes"], name))


def accuracy_columns(presets: dict[str, TrainingRecord]) -> tuple[list[str], dict[str, list[str]]]:
    """The header of a table, and a preset's cells: of its own classes, and of those of all."""
    on_all, cells = comparable(presets.values()), {}
    for name, record in presets.items():
        own, shared = (measurements(record)[data] for data in (record.data["name"], on_all))
        cells[name] = [str(own["classes"]), f"{own['top1']:.1%}", f"{own['top5']:.1%}"]
        cells[name].append(f"{shared['top1']:.1%}")
    return ["classes", "top-1", "top-5", f"top-1 on {on_all}"], cells
