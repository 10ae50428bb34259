"""Compares the strategies of fine-tuning with training from scratch, on few and more images.

Finished runs are kept, so that an interrupted comparison continues. Learning rates are chosen by
images held out of the training split. The validation split is for the reported results only.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

STRATEGIES = ("scratch", "linear", "norm", "lora", "full")
# Optimizer steps by images a class, the same for all strategies.
STEPS = {10: 150, 50: 300, 500: 800}
BATCH_SIZE = 50
CANDIDATES = {
    "scratch": (3e-4, 1e-3, 3e-3, 1e-2),
    "linear": (3e-4, 1e-3, 3e-3, 1e-2),
    "norm": (1e-3, 3e-3, 1e-2, 3e-2),
    "lora": (1e-3, 3e-3, 1e-2, 3e-2),
    "full": (1e-4, 3e-4, 1e-3, 3e-3),
}
# For the choice of learning rates: other images than those of any reported run.
CHOICE = {"seed": 100, "held_out": 50}
# Learning rates chosen with this many images of each class serve for more images, too.
MOST_TO_CHOOSE = 50


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/study/compare_finetuning.py resblock_bn_small "
        "--data DATASET --out runs/comparison --results scripts/study/finetuning.json",
    )
    parser.add_argument(
        "preset", help="the preset to start from: a name, a folder, or hf://user/name"
    )
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--out", type=Path, required=True, help="the folder of finished runs")
    parser.add_argument("--results", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--images", type=int, nargs="+", default=list(STEPS), choices=STEPS, help="a class"
    )
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the runs")
    parser.add_argument("--dtype", default="mixed_bfloat16", help="the precision while training")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Runs what is missing, and writes all results."""
    import _comparison

    from keras_resblocks_plugin._utils import _jsonfile
    from keras_resblocks_plugin.training import _provenance
    from keras_resblocks_plugin.training._divergence import Diverged
    from keras_resblocks_plugin.training._hardware import hardware

    comparison = _comparison.Comparison(
        *(args.preset, args.data, args.out, args.dtype, args.skip_unreadable),
        *(args.image_column, args.label_column),
    )

    def run(**settings) -> dict:
        name = "-".join(map(str, settings.values()))
        file = args.out / f"{name}.json"
        settings |= {"steps": STEPS[settings["images"]]}
        made_by = {**comparison.settings, **settings, "batch_size": BATCH_SIZE}
        kept = _provenance.read_result(file, made_by, "Give another --out, or remove the folder.")
        if kept is None:
            started = time.monotonic()
            try:
                accuracies = comparison.run(**settings, batch_size=BATCH_SIZE)
            except Diverged:
                if not settings["held_out"]:
                    raise
                accuracies = {"held_out_top1": 0.0, "diverged": True}
            seconds = round(time.monotonic() - started, 1)
            kept = {**settings, **accuracies, "seconds": seconds}
            _provenance.write_result(file, kept, made_by)
            print(f"{name}: {accuracies}, {seconds} s", flush=True)
        return {key: value for key, value in kept.items() if key != _provenance.MADE_BY}

    choices, results = {}, []
    for images in args.images:
        for strategy in args.strategies:
            settings = {"strategy": strategy, "images": min(images, MOST_TO_CHOOSE), **CHOICE}
            tried = [run(**settings, learning_rate=rate) for rate in CANDIDATES[strategy]]
            choices[strategy, settings["images"]] = tried
            # A run that diverged ranks below one without a correct prediction.
            best = max(tried, key=lambda x: (not x.get("diverged"), x["held_out_top1"]))
            rate = best["learning_rate"]
            results += [
                run(strategy=strategy, images=images, seed=seed, held_out=0, learning_rate=rate)
                for seed in args.seeds
            ]
    args.results.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "preset": Path(args.preset).name if Path(args.preset).is_dir() else args.preset,
        "weights": comparison.settings["start"]["weights"],
        "data": Path(args.data).name,
        **comparison.left_out,
        "batch_size": BATCH_SIZE,
        "dtype": args.dtype,
        "hardware": hardware(),
        "choices": [choice for tried in choices.values() for choice in tried],
        "runs": results,
    }
    _jsonfile.write_json(args.results, record)
    print(f"Wrote {args.results}")


if __name__ == "__main__":
    _cli.run(main, parse_args())
