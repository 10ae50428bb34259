"""The places that recipes come from: this package, files, and the records of presets."""

import tomllib
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.saving._locate import locate
from keras_resblocks_plugin.saving._training_record import RECORD_FILE, TrainingRecord

_FOLDER = resources.files(__package__) / "recipes"


def recipe_names() -> list[str]:
    """Returns the names of the published recipes, which `read_recipe()` takes."""
    files = (file.name for file in _FOLDER.iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def read_values(source: str | Path) -> tuple[str, dict[str, Any]]:
    """Reads the values of a recipe, as they are.

    Args:
        source: A name, a file or a preset.

    Returns:
        How errors call the recipe, and its values by key.

    Raises:
        ValueError: If there is no such recipe, or it cannot be read.
    """
    what = f"The recipe {source}"
    if str(source) in recipe_names():
        return what, tomllib.loads((_FOLDER / f"{source}.toml").read_text(encoding="utf-8"))
    if Path(source).is_file():
        try:
            return what, tomllib.loads(Path(source).read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{what} is not valid TOML: {error}") from None
    is_handle = str(source).startswith("hf://")
    if Path(source).is_dir() or str(source) in ResBlockBackbone.presets or is_handle:
        return f"The recipe of the preset {source}", _recorded(str(source))
    raise ValueError(
        f"`recipe` must be one of {', '.join(recipe_names())}, a TOML file, or a preset. "
        f"Received: {source}"
    )


def _recorded(preset: str) -> dict[str, Any]:
    """The recipe in the record of a preset."""
    folder = Path(locate(preset, ResBlockBackbone.presets))
    record = TrainingRecord.read(folder) if (folder / RECORD_FILE).is_file() else None
    recipe = record.recipe if record else None
    if not recipe or "backbone" not in recipe:
        raise ValueError(
            f"`recipe` must be a preset whose {RECORD_FILE} has a recipe: one that was trained by "
            f"`keras-resblocks train`. Received: {preset}"
        )
    if record.differs_from_recipe:
        warnings.warn(
            f"The weights of {preset} were trained by another program than this package. The "
            f"recipe is the nearest one; `differs_from_recipe` in the preset's {RECORD_FILE} lists "
            f"{len(record.differs_from_recipe)} differences.",
            stacklevel=2,
        )
    return dict(recipe)
