"""The weights of a preset on disk: an index and the safetensors files that it lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin._utils._safetensors import StoredFile, StoredTensor
from keras_resblocks_plugin._utils._weight_differences import weight_differences
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._preset_files import INDEX
from keras_resblocks_plugin.saving._schema import check

# The entry of a file's metadata that has the digest of the weights.
DIGEST = "weights_sha256"


@dataclass(frozen=True)
class StoredWeights:
    """An index and the headers of the files that it lists.

    Args:
        index: Path of the index.
        weight_map: The file name of each weight, by weight path.
        files: The header of each file.
    """

    index: Path
    weight_map: Mapping[str, str]
    files: Mapping[Path, StoredFile]

    @property
    def tensors(self) -> dict[str, StoredTensor]:
        """The tensors of all files, by weight path."""
        return {name: x for file in self.files.values() for name, x in file.tensors.items()}

    def check_complete(self) -> None:
        """Checks that the index lists exactly the weights of its files.

        Raises:
            ValueError: If it does not.
        """
        listed, there = dict.fromkeys(self.weight_map), dict.fromkeys(self.tensors)
        if problems := weight_differences(expected=listed, found=there):
            raise ValueError(
                f"The files of the index `{self.index}` must have the weights that it lists. "
                f"Nothing was loaded. {problems} {ADVICE}"
            )

    def check_head(self, head: SavedHead | None) -> None:
        """Checks that a head was saved together with these weights, as far as both tell.

        Raises:
            ValueError: If it was saved with other weights.
        """
        for path, file in self.files.items() if head else ():
            head.check_backbone(path, file.metadata.get(DIGEST))


def check_fit(shapes: Mapping[str, Any], tensors: Mapping[str, StoredTensor], folder: Path) -> None:
    """Checks that a model and a folder have the same weights, of the same shapes.

    Args:
        shapes: The shapes of the model's weights, by weight path.
        tensors: The tensors of the folder.
        folder: The folder, for the error.

    Raises:
        ValueError: If they differ; the error lists all differences.
    """
    found = {path: tensor.shape for path, tensor in tensors.items()}
    if problems := weight_differences(expected=shapes, found=found):
        raise ValueError(
            f"The weights in `{folder}` are of another architecture than the model, or "
            "`image_shape` asks for other channels than they were trained on. Nothing was loaded. "
            f"{problems}"
        )


def checked_weight_map(index: Path, content: dict[str, Any]) -> dict[str, str]:
    """The `weight_map` of an index: the file name of each weight, by weight path.

    Args:
        index: Path of the index.
        content: The JSON object in it.

    Raises:
        ValueError: If it is not an index, or names a file that is not in its folder.
    """
    check(index, content, INDEX)
    weight_map = content["weight_map"]
    for name in set(weight_map.values()):
        if not (index.parent / name).is_file():
            raise ValueError(
                f"`{index.parent / name}` is missing, and `{index.name}` names it. {ADVICE}"
            )
    return weight_map
