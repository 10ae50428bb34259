"""Times one thread that decodes, crops and mirrors JPEGs for training, beside timm's loader."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch"}
sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import _cli


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/benchmark/loading.py")
    parser.add_argument("--batch-size", type=int, default=64, help="images of a batch")
    parser.add_argument("--batches", type=int, default=4, help="of made JPEGs of 500x375 pixels")
    parser.add_argument("--rounds", type=int, default=20, help="alternating passes over them")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Prints images a second, their ratios round by round, and how far crops are from Pillow's."""
    from _loading import crop_difference, make_jpegs, own_passes, timm_passes

    from keras_resblocks_plugin._utils._jsonfile import to_json
    from keras_resblocks_plugin._utils._timing import alternate, median_and_range, ratios

    count = args.batch_size * args.batches
    with tempfile.TemporaryDirectory() as folder:
        files = make_jpegs(Path(folder, "data", "train"), count)
        own = own_passes(Path(folder), args.batch_size, args.batches)
        theirs = timm_passes(Path(folder, "data", "train"), args.batch_size)
        names = "krp", "krp, scaled", "timm", "timm, scaled"
        passes = dict(zip(names, own + theirs, strict=True))
        # Of this thread alone, whatever else the machine does.
        seconds = alternate(passes, args.rounds, time.thread_time)
        difference = crop_difference(files)
    rates = {name: [count / value for value in values] for name, values in seconds.items()}
    pairs = ("krp", "timm"), ("krp, scaled", "timm, scaled")
    figures = {
        "images_per_second": {name: median_and_range(rate, 0) for name, rate in rates.items()},
        "ratio": {f"{a} / {b}": median_and_range(ratios(rates[a], rates[b])) for a, b in pairs},
        "mean_levels_from_pillow": round(difference, 3),
    }
    print(to_json(figures))


if __name__ == "__main__":
    _cli.run(main, parse_args())
