"""Writes the names of ImageNet-1k's classes that the package ships, from torchvision's list."""

import ast
import importlib.metadata
from pathlib import Path

FILE = Path(__file__).parents[2] / "keras_resblocks_plugin/convert/imagenet_classes.txt"


def main() -> None:
    """Reads the list without importing torchvision, whose operators need a matching PyTorch."""
    distribution = importlib.metadata.distribution("torchvision")
    source = Path(distribution.locate_file("torchvision/models/_meta.py"))
    (names,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "_IMAGENET_CATEGORIES"
    )
    if len(set(names)) != 1000:
        raise ValueError(f"`{source}` must have 1000 different names. Received: {len(set(names))}")
    header = (
        f"# ImageNet-1k's classes in the order of the labels, from torchvision "
        f"{distribution.version} (torchvision/models/_meta.py).\n"
        "# Copyright (c) Soumith Chintala 2016. BSD 3-Clause License.\n"
    )
    FILE.write_text(header + "\n".join(names) + "\n", encoding="utf-8")
    print(f"Wrote {FILE}")


if __name__ == "__main__":
    main()
