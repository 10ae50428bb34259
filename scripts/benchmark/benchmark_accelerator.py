"""Times a ResNet-50 in bfloat16 on an accelerator, beside those of other libraries."""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

RESULTS = Path(__file__).with_name("accelerator.json")
TITLES = {
    "krp": "this package",
    "folded": "this package, folded",
    "keras_hub": "KerasHub",
    "flax": "flax, written by hand",
    "timm": "timm, eager, channels last",
}
FRAMEWORKS = {"jax": "JAX", "torch": "PyTorch"}
# Of which the median is taken.
ROUNDS = 3


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/benchmark/benchmark_accelerator.py --framework jax",
    )
    parser.add_argument("--framework", choices=FRAMEWORKS, help="what to measure; else nothing is")
    parser.add_argument("--networks", nargs="*", choices=TITLES, help="all, if not given")
    parser.add_argument("--depth", type=int, default=50, help="see benchmark.py")
    parser.add_argument("--batch-size", type=int, default=256, help="images a step")
    parser.add_argument("--image-size", type=int, default=224, help="their side in pixels")
    parser.add_argument("--calls", type=int, default=15, help="calls a round")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the JSON file to update")
    parser.add_argument("--readme", type=Path, help="a Markdown file whose section to replace")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Measures one framework, adds it to the results, and writes the table of all."""
    from keras_resblocks_plugin._utils import _json, _jsonfile, _markdown

    records = _json.read_json(args.out) if args.out.exists() else {}
    if args.framework:
        records[args.framework] = measure(args)
        _jsonfile.write_json(args.out, records)
    text = report(records)
    print(text)
    if args.readme:
        _markdown.replace_section(args.readme, "accelerator", text)


def measure(args: argparse.Namespace) -> dict:
    """The record of one framework."""
    import importlib
    import importlib.metadata

    import keras
    import numpy as np

    from keras_resblocks_plugin.training._hardware import hardware

    module = importlib.import_module(f"_accelerator_{args.framework}")
    keras.config.set_dtype_policy("mixed_bfloat16")
    generator = np.random.default_rng(0)
    shape = (args.batch_size, args.image_size, args.image_size, 3)
    images = generator.normal(size=shape).astype("float32")
    labels = generator.integers(0, 1000, args.batch_size)
    results = {}
    for name in args.networks or module.NETWORKS:
        actions = module.actions(name, args.depth, images, labels)
        results[name] = {
            key: round(_milliseconds(action, module.wait, args.calls), 3)
            for key, action in actions.items()
        }
    packages = "keras", "keras-hub", "keras-resblocks-plugin", args.framework
    return {
        **{"made_by": "measured by `benchmark_accelerator.py`", "hardware": hardware()},
        "software": {name: importlib.metadata.version(name) for name in packages},
        **{"depth": args.depth, "batch_size": args.batch_size, "image_size": args.image_size},
        "milliseconds": results,
    }


def _milliseconds(action, wait, calls: int) -> float:
    for _ in range(3):
        wait(action())
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(calls):
            result = action()
        wait(result)
        seconds.append((time.perf_counter() - start) / calls)
    return 1000 * statistics.median(seconds)


def report(records: dict) -> str:
    """The table of all frameworks, below how each was measured, and the ratios."""
    from keras_resblocks_plugin._utils._markdown import table

    header = ["ResNet", "ms a step", "images/s", "ms forward, all", "ms forward, one image"]
    parts = []
    for framework, record in records.items():
        count, results = record["batch_size"], record["milliseconds"]
        software = "".join(f", {name} {version}" for name, version in record["software"].items())
        parts.append(
            f"**{FRAMEWORKS[framework]}**: ResNet-{record['depth']}, {count} images of "
            f"{record['image_size']} px, bfloat16, on {record['hardware']}{software}. Medians of "
            f"{ROUNDS} rounds, {record['made_by']}."
        )
        rows = []
        for name, times in results.items():
            step = times.get("step")
            speed = ("", "") if step is None else (f"{step:.1f}", f"{1000 * count / step:,.0f}")
            rows.append([TITLES[name], *speed, f"{times['all']:.1f}", f"{times['one']:.2f}"])
        parts += [table(header, rows), _ratios(results)]
    return "\n\n".join(part for part in parts if part)


def _ratios(results: dict) -> str:
    """This package's times beside those of the others, in words."""
    found = []
    for name in (name for name in results if name not in ("krp", "folded") and "krp" in results):
        step, forward = (results["krp"][key] / results[name][key] for key in ("step", "all"))
        found.append(f"{TITLES[name]}: step {step:.2f}, forward {forward:.2f}")
        if "folded" in results:
            found[-1] += f", folded {results['folded']['all'] / results[name]['all']:.2f}"
    return f"This package's time divided by that of {'; '.join(found)}." if found else ""


if __name__ == "__main__":
    arguments = parse_args()
    if arguments.framework:
        # Before anything imports Keras.
        os.environ["KERAS_BACKEND"] = arguments.framework
    _cli.run(main, arguments)
