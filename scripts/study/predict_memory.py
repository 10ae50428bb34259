"""Measures the speed and memory of `keras-resblocks predict` on datasets of several sizes."""

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import _cli

SHARD = 1000
RUN = "from keras_resblocks_plugin.cli import main; main()"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/study/predict_memory.py")
    sizes = [10_000, 100_000]
    parser.add_argument("--rows", type=int, nargs="+", default=sizes, help=f"multiples of {SHARD}")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Prints a line of JSON for each size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_shard(folder / "shard.parquet")
        _save_preset(folder / "preset")
        for rows in args.rows:
            data = folder / f"data-{rows}"
            data.mkdir()
            for index in range(rows // SHARD):
                (data / f"{index:05}.parquet").symlink_to(folder / "shard.parquet")
            print(_measure(folder, data), flush=True)


def _write_shard(file: Path) -> None:
    import datasets
    import numpy as np
    from PIL import Image

    rng, files = np.random.default_rng(0), []
    for _ in range(SHARD):
        small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), "uint8"))
        small.resize((64, 64)).save(buffer := io.BytesIO(), "JPEG")
        files.append({"bytes": buffer.getvalue(), "path": None})
    features = datasets.Features(image=datasets.Image())
    datasets.Dataset.from_dict({"image": files}, features=features).to_parquet(file)


def _save_preset(folder: Path) -> None:
    import keras_resblocks_plugin as krp

    backbone = krp.ResBlockBackbone("bn", [8], [1], [1], [8], [3], [2], image_shape=(64, 64, 3))
    converter = krp.ResBlockImageConverter(image_size=(64, 64), scale=1 / 255)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    classifier = krp.ResBlockImageClassifier(backbone, 10, preprocessor=preprocessor)
    classifier.save_to_preset(str(folder))


def _measure(folder: Path, data: Path) -> str:
    """Runs the command in a new process, and watches its memory and its parts."""
    import psutil

    from keras_resblocks_plugin._utils._jsonfile import to_json
    from keras_resblocks_plugin.prediction import PredictConfig

    out = folder / f"{data.name}.parquet"
    rows = int(data.name.removeprefix("data-"))
    size = min(PredictConfig.part_rows, rows // 10)
    words = ["predict", folder / "preset", data, "--out", out, "--cache", folder / "cache"]
    words += ["--part-rows", size]
    parts = Path(f"{out}.parts")
    # Seconds until a number of parts was there.
    start, times, peak = time.monotonic(), {}, 0
    process = subprocess.Popen([sys.executable, "-c", RUN, *map(str, words)])
    family = psutil.Process(process.pid)
    while process.poll() is None:
        memory = 0
        for member in [family, *family.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                info = member.memory_info()
                # Memory mapped from a file counts as shared.
                memory += info.rss - info.shared
        peak = max(peak, memory)
        times.setdefault(len(list(parts.glob("part-*.parquet"))), time.monotonic() - start)
        time.sleep(0.05)
    assert process.returncode == 0
    first, *_, last = sorted(set(times) - {0})
    rate = (last - first) * size / (times[last] - times[first])
    return to_json(
        {
            "rows": rows,
            "images_per_second": round(rate),
            "peak_anonymous_memory_mb": round(peak / 1e6),
            "seconds_to_first_part": round(times[first], 1),
            "seconds": round(time.monotonic() - start, 1),
        }
    )


if __name__ == "__main__":
    _cli.run(main, parse_args())
