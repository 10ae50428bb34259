"""Writes the tables that the package ships: timm's published weights, and ImageNet-1k's classes."""

import ast
import importlib.metadata
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts"), str(_ROOT / "scripts" / "study")]


def main() -> None:
    """Writes both files."""
    from count_timm import published_tags

    from keras_resblocks_plugin._utils._jsonfile import write_json
    from keras_resblocks_plugin.convert._timm_labels import IMAGENET_FILE
    from keras_resblocks_plugin.convert._timm_published import describe
    from keras_resblocks_plugin.registry._published import FILE
    from tests.convert.timm_import import import_timm

    timm, presets = import_timm(), {}
    for architecture, tags in sorted(published_tags(timm).items()):
        for tag in tags:
            settings = timm.models.get_pretrained_cfg(f"{architecture}.{tag}").to_dict()
            try:
                presets[f"hf://{settings['hf_hub_id']}"] = describe(architecture, settings)
            except (KeyError, ValueError):
                continue  # It is not on the Hub, or cannot be built.
    write_json(FILE, {"timm": importlib.metadata.version("timm"), "presets": presets})
    source = "torchvision/models/_meta.py"
    torchvision = importlib.metadata.distribution("torchvision")
    tree = ast.parse(Path(torchvision.locate_file(source)).read_text(encoding="utf-8"))
    names = ast.literal_eval(next(n.value for n in tree.body if isinstance(n, ast.Assign)))
    header = (
        f"# ImageNet-1k's classes in the order of the labels, {source} {torchvision.version}.\n"
        "# Copyright (c) Soumith Chintala 2016. BSD 3-Clause License.\n"
    )
    IMAGENET_FILE.write_text(header + "\n".join([*names, ""]), encoding="utf-8")
    print(f"{len(presets)} published presets load, and {len(names)} classes have names.")


if __name__ == "__main__":
    main()
