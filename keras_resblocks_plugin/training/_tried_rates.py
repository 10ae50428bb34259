"""The learning rates that were tried for a recipe, in a JSON file beside it."""

import json
from pathlib import Path
from typing import Any

from keras_resblocks_plugin.training import _provenance
from keras_resblocks_plugin.training._recipe import Recipe

# Stands for the accuracy of a learning rate with which training diverged.
DIVERGED = "diverged"


def tried_rates_file(recipe: Path) -> Path:
    """Returns the file of the learning rates that were tried for a recipe's file."""
    return recipe.with_suffix(".learning_rate.json")


def settings_without_rate(recipe: Recipe) -> dict[str, Any]:
    """Returns the settings that all tried rates share: the recipe without rate and epochs."""
    left_out = ("learning_rate", "epochs", "warmup_epochs")
    return {key: value for key, value in recipe.to_dict().items() if key not in left_out}


def describe_tried_rates(file: str | Path, recipe: Recipe, data: str) -> str | None:
    """Describes the learning rates that were tried for a recipe on a dataset.

    Args:
        file: The recipe's file, or its name.
        recipe: The recipe as it is now.
        data: The name of the dataset.

    Returns:
        The rates and their accuracies, or `None` if they were tried for another recipe or on
        other data, or if the record does not say.
    """
    file = tried_rates_file(Path(file))
    record = json.loads(file.read_text()) if file.exists() else {}
    made_by = record.get(_provenance.MADE_BY, {}).get("recipe")
    if record.get("data") != data or made_by != _provenance.normalized(
        settings_without_rate(recipe)
    ):
        return None
    rates = ", ".join(
        f"{rate} {describe_accuracy(reached)}" for rate, reached in record["held_out_top1"].items()
    )
    return f"top-1 on held-out images after {record['epochs']} epochs: {rates}"


def describe_accuracy(reached: float | str) -> str:
    """Describes an accuracy, or `DIVERGED`."""
    return reached if reached == DIVERGED else f"{reached:.1%}"
