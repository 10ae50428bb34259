"""Comparison of the weights that a preset's configs ask for with those that its files hold."""

import math
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin._utils._kerashub import shapes_only
from keras_resblocks_plugin.saving._buildable import residual_backbones, resolve
from keras_resblocks_plugin.saving._folder_files import FolderFiles
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
)
from keras_resblocks_plugin.saving._stored_weights import check_fit

# A user's block may have no weights. More than this of them is no network.
_BLOCKS_WITHOUT_WEIGHTS = 1000


def check_sizes(files: FolderFiles, with_task: bool = True) -> None:
    """Checks that the configs of a preset ask for exactly the weights that its files hold.

    Nothing is built or allocated: layers get shapes, and no values.

    Args:
        files: A preset of this package whose configs and weights files are valid.
        with_task: bool. Checks the backbone of the task as well. Defaults to `True`.

    Raises:
        ValueError: If they ask for more, for less or for other ones.
    """
    tensors = files.weights().tensors
    for file, place, found in _backbones(files, with_task):
        shapes = _asked(file, place, found, len(tensors))
        try:
            check_fit(shapes, tensors, files.path)
        except ValueError as error:
            raise ValueError(
                f"`{place}` in `{file}` asks for other weights than the preset has. {error}"
            ) from None
    if with_task:
        _check_units(files)


def check_sizes_within(files: FolderFiles, shapes: dict[str, tuple[int, ...]]) -> None:
    """Checks that the backbone of a KerasHub preset fits into its HDF5 weights.

    Args:
        files: A preset of a KerasHub task on a `ResBlockBackbone`, whose configs are valid.
        shapes: Those of the datasets in its `model.weights.h5`, whose names tell nothing.

    Raises:
        ValueError: If one asks for more values than the file holds.
    """
    held = sum(map(math.prod, shapes.values()))
    for file, place, found in _backbones(files):
        asked = sum(map(math.prod, _asked(file, place, found, len(shapes)).values()))
        if asked > held:
            raise ValueError(
                f"`{place}` in `{file}` asks for {asked:,} parameters, and the weights beside it "
                f"are {held:,}. {ADVICE}"
            )
    _check_whole(files, held)
    _check_units(files)


def _check_whole(files: FolderFiles, held: int) -> None:
    """Checks the size of a KerasHub backbone built around the residual one."""
    file = files.path / CONFIG_FILE
    try:
        with shapes_only():
            backbone = keras.saving.deserialize_keras_object(files.json_copy(CONFIG_FILE))
            asked = sum(math.prod(weight.shape) for weight in backbone.weights)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"`config` in `{file}` describes no backbone that can be built. {ADVICE} "
            f"The error: {error}"
        ) from None
    if asked > held:
        raise ValueError(
            f"`config` in `{file}` asks for {asked:,} parameters, and the weights beside it are "
            f"{held:,}. {ADVICE}"
        )


def _backbones(
    files: FolderFiles, with_task: bool = True
) -> list[tuple[Path, str, dict[str, Any]]]:
    """The configs of residual backbones in a preset, with their places: each kind once."""
    backbones, seen = [], []
    for name in (CONFIG_FILE, *([TASK_FILE] if with_task else [])):
        content = files.json(name) if files.has(name) else {}
        for place, found in residual_backbones(content, with_subclasses=True):
            # The task has a copy of the backbone's config.
            config = {k: v for k, v in found["config"].items() if k != "name"}
            if config not in seen:
                seen.append(config)
                backbones.append((files.path / name, f"{place}.config".lstrip("."), found))
    return backbones


def _asked(file: Path, place: str, found: dict[str, Any], tensors: int) -> dict[str, tuple]:
    blocks = sum(found["config"]["stackwise_num_blocks"])
    if blocks > max(tensors, _BLOCKS_WITHOUT_WEIGHTS):
        raise ValueError(
            f"`{place}.stackwise_num_blocks` in `{file}` asks for {blocks:,} blocks, and the "
            f"weights beside it are {tensors:,} tensors. {ADVICE}"
        )
    try:
        shapes = resolve(found).weight_shapes(found["config"])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{place}` in `{file}` describes no backbone that can be built. {ADVICE} "
            f"The error: {error}"
        ) from None
    unknown = sorted(set(found["config"].get("frozen") or ()) - shapes.keys())
    if unknown:
        raise ValueError(
            f"`{place}.frozen` in `{file}` must list weights of the backbone. Received: "
            f"{', '.join(unknown):.300}. {ADVICE}"
        )
    return shapes


def _check_units(files: FolderFiles) -> None:
    """Checks that the head holds values for as many classes as the task names."""
    config = files.json(TASK_FILE)["config"] if files.has(TASK_FILE) else {}
    units = len(config.get("class_names") or ()) or config.get("num_classes")
    if not isinstance(units, int) or not files.has(TASK_WEIGHTS_FILE):
        return
    shapes = files.hdf5_shapes(TASK_WEIGHTS_FILE).values()
    largest = max((max(shape, default=0) for shape in shapes), default=0)
    if units > largest:
        raise ValueError(
            f"`{files.path / TASK_WEIGHTS_FILE}` does not fit the {units:,} classes that "
            f"`{files.path / TASK_FILE}` names: its largest side is {largest:,}. {ADVICE}"
        )
