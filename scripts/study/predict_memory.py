"""Measures the speed and memory of `keras-resblocks predict` on datasets of several sizes."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import _cli
from _memory import SHARD, run_watched, write_shards

RUN = "from keras_resblocks_plugin.cli import main; main()"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/study/predict_memory.py")
    sizes = [SHARD, 10 * SHARD]
    parser.add_argument("--rows", type=int, nargs="+", default=sizes, help=f"multiples of {SHARD}")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Prints a line of JSON for each size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _save_preset(folder / "preset")
        for rows in args.rows:
            write_shards(folder / f"data-{rows}", "train", rows, side=64)
            print(_measure(folder, rows), flush=True)


def _save_preset(folder: Path) -> None:
    import keras_resblocks_plugin as krp

    backbone = krp.ResBlockBackbone("bn", [8], [1], [1], [8], [3], [2], image_shape=(64, 64, 3))
    converter = krp.ResBlockImageConverter(image_size=(64, 64), scale=1 / 255)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    classifier = krp.ResBlockImageClassifier(backbone, 10, preprocessor=preprocessor)
    classifier.save_to_preset(str(folder))


def _measure(folder: Path, rows: int) -> str:
    """Runs the command in a new process, and watches its memory and its parts."""
    from keras_resblocks_plugin._utils._jsonfile import to_json
    from keras_resblocks_plugin.prediction import PredictConfig

    out = folder / f"predictions-{rows}.parquet"
    size = min(PredictConfig.part_rows, rows // 10)
    words = ["predict", folder / "preset", folder / f"data-{rows}", "--out", out]
    words += ["--cache", folder / "cache", "--part-rows", size]
    # Seconds until a number of parts was there.
    start, times, parts = time.monotonic(), {}, Path(f"{out}.parts")

    def count_parts():
        times.setdefault(len(list(parts.glob("part-*.parquet"))), time.monotonic() - start)

    seconds, peak = run_watched(RUN, *words, watch=count_parts)
    first, *_, last = sorted(set(times) - {0})
    rate = (last - first) * size / (times[last] - times[first])
    return to_json(
        {
            "rows": rows,
            "images_per_second": round(rate),
            "peak_anonymous_memory_mb": round(peak / 1e6),
            "seconds_to_first_part": round(times[first], 1),
            "seconds": round(seconds, 1),
        }
    )


if __name__ == "__main__":
    _cli.run(main, parse_args())
