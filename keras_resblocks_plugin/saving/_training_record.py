"""Owner of `training.json`, the record of how a preset's weights were trained and measured."""

from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin._utils._jsonfile import write_json

RECORD_FILE = "training.json"
_TEXT = {"type": "string", "maxLength": 10_000}
# A run may add other keys. Those that are read again have a type.
RECORD = {
    "type": "object",
    "properties": {
        "license": _TEXT,
        "data": {"type": "object", "properties": {"name": _TEXT, "license": _TEXT}},
        "results": {"type": "object"},
        "recipe": {"type": "object"},
        "start": {"type": ["object", "string", "null"]},
        "history": {"type": "array", "items": {"type": "object"}},
        "epochs": {"type": "number"},
        "made_by": {"type": "object"},
        "differs_from_recipe": {"type": "array", "items": _TEXT},
        "measured_on": {"type": "array", "items": {"type": "object"}},
        "earlier_weights": {"type": "array", "items": {"type": "object"}},
    },
}


@dataclass(kw_only=True)
class TrainingRecord:
    """The content of `training.json`.

    A record that was read and not changed is saved byte for byte, unknown keys included. `save`
    leaves out the fields of a new record that are `None`, except those named in `null`.

    Args:
        license: The license of the weights.
        start: The origin of the weights: the record of an earlier run, the name of a preset, or
            the source of a conversion.
        stored_as: The dtype of the stored kernels.
        multiply_adds: The multiply-adds of one image.
        learning_rates_tried: The learning rates among which the recipe's was chosen.
        made_by: The program that trained the weights, if it was not this package, and how.
        recipe: The recipe of the run; with `made_by`, the nearest one.
        differs_from_recipe: With `made_by`, the differences between the training and the recipe.
        data: The data's `name`, `license` and numbers of `classes` and images.
        results: The measured figures, such as `{"validation_top1": 0.57}`.
        measured_on: Figures on other data: `name`, `split`, `classes`, `images`, `top1`, `top5`.
        earlier_weights: Figures of weights that the preset had before.
        seed: The seed of the run.
        epochs: The number of epochs; of a run by the clock, with its part of the last one.
        minutes: The time that a run by the clock was given.
        seconds: The time that they took.
        hardware: The processor or accelerator.
        software: The versions of Python, Keras and the backend.
        note: A remark for readers of the card.
        history: The logs of each epoch.
        weights: The digest of the weights that were measured.
        more: All other keys.
        null: The fields of a new record that are saved even if they are `None`.
    """

    license: str | None = None
    start: dict[str, Any] | str | None = None
    stored_as: str | None = None
    multiply_adds: int | None = None
    learning_rates_tried: str | None = None
    made_by: dict[str, Any] | None = None
    recipe: dict[str, Any] | None = None
    differs_from_recipe: list[str] | None = None
    data: dict[str, Any] | None = None
    results: dict[str, float | None] | None = None
    measured_on: list[dict[str, Any]] | None = None
    earlier_weights: list[dict[str, Any]] | None = None
    seed: int | None = None
    epochs: float | None = None
    minutes: float | None = None
    seconds: int | None = None
    hardware: str | None = None
    software: dict[str, str] | None = None
    note: str | None = None
    history: list[dict[str, Any]] | None = None
    weights: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    null: InitVar[Collection[str]] = ()

    def __post_init__(self, null: Collection[str]):
        self._null = tuple(null)
        # The keys of the file that it comes from, in their order.
        self._keys = ()

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "TrainingRecord":
        """A record from the JSON object that `to_json` returns."""
        known = {x.name for x in fields(cls)} - {"more"}
        record = cls(
            **{key: value for key, value in content.items() if key in known},
            more={key: value for key, value in content.items() if key not in known},
        )
        record._keys = tuple(content)
        return record

    @classmethod
    def read(cls, folder: str | Path) -> "TrainingRecord":
        """Reads the record of a preset folder.

        Raises:
            ValueError: If it has none, or it is not a JSON object.
        """
        return cls.from_json(read_json(Path(folder) / RECORD_FILE))

    def to_json(self) -> dict[str, Any]:
        """The JSON object that is saved."""
        values = {x.name: getattr(self, x.name) for x in fields(self) if x.name != "more"}
        values |= self.more
        new = [key for key, value in values.items() if value is not None or key in self._null]
        return {key: values[key] for key in dict.fromkeys([*self._keys, *new]) if key in values}

    def save(self, folder: str | Path) -> None:
        """Writes the record into a preset folder, atomically.

        Raises:
            ValueError: If a number is not finite.
        """
        write_json(Path(folder) / RECORD_FILE, self.to_json())

    @property
    def whole_history(self) -> list[dict[str, Any]]:
        """The epochs of the run, after those of the run that its weights come from."""
        earlier = self.start.get("history", []) if isinstance(self.start, dict) else []
        later = [{**log, "epoch": log["epoch"] + len(earlier)} for log in self.history or []]
        return [*earlier, *later]
