"""Measures memory and the first steps of `train(…, input="stream")` by the number of images."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli
from _memory import SHARD, run_watched, write_shards

# Steps of an epoch.
STEPS = 20
RECIPE = """
image_size = 16
epochs = 1
warmup_epochs = 0
batch_size = 64
holdout = 0.0
crop_probability = 1.0

[backbone]
block_type = "bn"
stackwise_num_filters = [4]
stackwise_num_blocks = [1]
stackwise_num_strides = [1]
input_conv_filters = [4]
input_conv_kernel_sizes = [3]
input_conv_strides = [2]
"""
PREPARE = """
import sys
from pathlib import Path
from keras_resblocks_plugin.training.data._classes import open_pair
open_pair(sys.argv[1] + "/data", "train", "validation", Path(sys.argv[1], "run", "cache"))
"""
TRAIN = f"""
import sys
from pathlib import Path
from keras_resblocks_plugin.training import TrainConfig, train
from keras_resblocks_plugin.training._recipe import Recipe
# Not all images, of which a million take long.
Recipe.steps_per_epoch = lambda self, count: {STEPS}
folder = Path(sys.argv[1])
train(TrainConfig(data=str(folder / "data"), recipe=str(folder / "recipe.toml"),
                  out=folder / "run", input="stream"))
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/study/stream_memory.py")
    parser.add_argument("--rows", type=int, nargs="*", default=[SHARD, 100 * SHARD], help="images")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Prints seconds to prepare and to the end of the first steps, and the peak of memory."""
    from keras_resblocks_plugin._utils._jsonfile import to_json

    for rows in args.rows:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_shards(folder / "data", "train", rows, side=16)
            write_shards(folder / "data", "validation", 100, side=16)
            (folder / "recipe.toml").write_text(RECIPE)
            figures = {"rows": rows, "seconds to prepare": run_watched(PREPARE, folder)[0]}
            start = time.time()
            _, peak = run_watched(TRAIN, folder)
            # It is written at the end of the epoch.
            ended = (folder / "run" / "history.jsonl").stat().st_mtime
            figures |= {f"seconds to step {STEPS}": ended - start, "anonymous MB": peak / 1e6}
            print(to_json({key: round(value, 1) for key, value in figures.items()}), flush=True)


if __name__ == "__main__":
    _cli.run(main, parse_args())
