"""Measures memory and the first steps of `train(…, input="stream")` by the number of images."""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

# Rows of a Parquet file, of which there are as many as it takes, and steps of an epoch.
SHARD, STEPS = 10_000, 20
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
            write_data(folder / "data", rows)
            (folder / "recipe.toml").write_text(RECIPE)
            figures = {"rows": rows, "seconds to prepare": run(PREPARE, folder)[0]}
            start = time.time()
            _, peak = run(TRAIN, folder)
            # It is written at the end of the epoch.
            ended = (folder / "run" / "history.jsonl").stat().st_mtime
            figures |= {f"seconds to step {STEPS}": ended - start, "anonymous MB": peak / 1e6}
            print(to_json({key: round(value, 1) for key, value in figures.items()}), flush=True)


def write_data(folder: Path, rows: int) -> None:
    """Writes a Parquet file of JPEGs, with hard links in place of the others."""
    import io

    import datasets
    import numpy as np
    from PIL import Image

    names = [f"class{label}" for label in range(10)]
    columns = {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    rng = np.random.default_rng(0)

    def jpegs(count):
        for row in range(count):
            content = io.BytesIO()
            pixels = np.full((16, 16, 3), rng.integers(256, size=3), "uint8")
            Image.fromarray(pixels).save(content, "JPEG")
            yield {"image": {"bytes": content.getvalue(), "path": None}, "label": row % len(names)}

    folder.mkdir()
    for split, count in (("train", SHARD), ("validation", 100)):
        made = datasets.Dataset.from_list(list(jpegs(count)), datasets.Features(columns))
        made.to_parquet(folder / f"{split}-00000.parquet")
    for shard in range(1, rows // SHARD):
        os.link(folder / "train-00000.parquet", folder / f"train-{shard:05}.parquet")


def run(code: str, folder: Path) -> tuple[float, float]:
    """Runs code in a new process; returns its seconds, and the peak memory of its processes."""
    import psutil

    start, peak = time.time(), 0
    process = psutil.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        own = 0
        for one in [process, *process.children(recursive=True)]:
            # A process may have ended meanwhile.
            with contextlib.suppress(psutil.Error):
                memory = one.memory_info()
                # What is mapped from a file counts as shared.
                own += memory.rss - memory.shared
        peak = max(peak, own)
        time.sleep(0.05)
    if process.returncode:
        raise ValueError(f"The process ended with {process.returncode}.")
    return time.time() - start, peak


if __name__ == "__main__":
    _cli.run(main, parse_args())
