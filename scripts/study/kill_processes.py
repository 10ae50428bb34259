"""Ends training processes at random instants, and compares the weights of the continued runs."""

import argparse
import dataclasses
import os
import sys
import tempfile
from pathlib import Path

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
os.environ["KERAS_BACKEND"] = "jax"
# Most of a short run is compiling, which is the same in each.
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

import _cli


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/study/kill_processes.py")
    parser.add_argument("--repeats", type=int, default=10, help="runs to end, of 2 and 4 processes")
    parser.add_argument("--seed", type=int, default=0, help="seed of instants and processes")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Prints how each run ended and continued."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{folder}/jax"
        import numpy as np

        from keras_resblocks_plugin._utils._jsonfile import to_json
        from tests.training.killed_runs import killed

        rng = np.random.default_rng(args.seed)
        for repeat in range(args.repeats):
            count, name = (2, 4)[repeat % 2], ("SIGKILL", "SIGTERM")[(repeat + repeat // 2) % 2]
            outcome = killed(Path(folder), count, name, rng)
            print(to_json(dataclasses.asdict(outcome)), flush=True)


if __name__ == "__main__":
    _cli.run(main, parse_args())
