"""Counts timm's published weights of residual networks that this package converts, and why not.

Every architecture is built once with random weights in timm's own layout, converted, and compared
at an odd and at an even size of the image; then it is converted back and loaded strictly. Finished
architectures are kept in the results, so that an interrupted count continues.
"""

import argparse
import fnmatch
import gc
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
# The tests have the comparison.
sys.path.insert(0, str(Path(__file__).parents[2]))

import _cli

# timm's modules of residual networks.
MODULES = ("resnet", "resnetv2", "regnet", "senet", "byobnet")
# Of its 1.3 billion parameters, several copies are in memory.
LARGE = ("regnety_2560",)
RESULTS = Path(__file__).with_name("timm.json")
PAGE = Path(__file__).parents[1] / "docs" / "pages" / "timm.md"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__, epilog="example: python scripts/study/count_timm.py --only 'resnext*'"
    )
    parser.add_argument("--only", default="*", help="a pattern of names to compare")
    parser.add_argument("--again", action="store_true", help="compare also what is in the results")
    parser.add_argument("--large", action="store_true", help=f"also {', '.join(LARGE)}")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the JSON file")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Compares what is missing, and writes the results, the page and a summary."""
    import _timm_page

    from keras_resblocks_plugin._utils import _json, _jsonfile
    from keras_resblocks_plugin.convert._timm_config import backbone_arguments
    from tests.convert.random_timm import compare
    from tests.convert.timm_import import import_timm

    timm = import_timm()
    tags = published_tags(timm)
    stored = _json.read_json(args.results) if args.results.exists() else {}
    architectures = {name: stored.get("architectures", {}).get(name, {}) for name in tags}

    def save() -> None:
        content = {"versions": _timm_page.versions(), "architectures": architectures}
        _jsonfile.write_json(args.results, content)

    for name, result in architectures.items():
        result["tags"] = tags[name]
        result.pop("refused", None)
        try:
            backbone_arguments({"architecture": name})
        except ValueError as error:
            architectures[name] = {"tags": tags[name], "refused": str(error)}
    known = [name for name, result in architectures.items() if "refused" not in result]
    for name in sorted(known, key=lambda name: name in LARGE):
        result = architectures[name]
        done = "difference" in result and not args.again
        left_out = name in LARGE and not args.large
        if done or left_out or not fnmatch.fnmatch(name, args.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                result |= compare(name, Path(folder))
                result.pop("error", None)
            except Exception as error:
                # The others are compared all the same, and the page says what failed.
                result["error"] = f"{type(error).__name__}: {error}"
        # Models of Keras have cycles, and some of timm's are gigabytes.
        gc.collect()
        print(_timm_page.line(name, result), flush=True)
        save()
    save()
    args.page.write_text(_timm_page.page(_json.read_json(args.results)), encoding="utf-8")
    print(_timm_page.summary(architectures))


def published_tags(timm) -> dict[str, list[str]]:
    """Returns the tags of timm's published weights, by the name of their architecture."""
    tags = {}
    for module in MODULES:
        for name in sorted(timm.list_models(module=module, pretrained=True)):
            architecture, _, tag = name.partition(".")
            tags.setdefault(architecture, []).append(tag)
    return tags


if __name__ == "__main__":
    _cli.run(main, parse_args())
