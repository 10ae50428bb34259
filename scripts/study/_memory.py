"""Datasets of many small JPEGs, and the memory of processes that read them."""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Rows of a Parquet file, of which there are as many as it takes.
SHARD = 10_000


def write_shards(folder: Path, split: str, rows: int, side: int) -> None:
    """Writes JPEGs of ten classes: one Parquet file, and hard links in place of the others."""
    import datasets
    import numpy as np
    from PIL import Image

    names = [f"class{label}" for label in range(10)]
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=names))
    rng, made = np.random.default_rng(0), []
    for row in range(min(rows, SHARD)):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), "uint8")).resize((side, side)).save(
            file, "JPEG"
        )
        made.append({"image": {"bytes": file.getvalue(), "path": None}, "label": row % len(names)})
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / f"{split}-00000.parquet"
    datasets.Dataset.from_list(made, features).to_parquet(first)
    for shard in range(1, rows // SHARD):
        os.link(first, folder / f"{split}-{shard:05}.parquet")


def run_watched(
    code: str, *words: str | Path | int, watch: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Runs code in a new process.

    Args:
        code: The Python code.
        *words: The words of its command line.
        watch: Called every 50 milliseconds.

    Returns:
        Its seconds, and the peak of the bytes of anonymous memory of all its processes.
    """
    import psutil

    start, peak = time.monotonic(), 0
    command = [sys.executable, "-c", code, *map(str, words)]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        memory = 0
        for one in [process, *process.children(recursive=True)]:
            # A process may have ended meanwhile.
            with contextlib.suppress(psutil.Error):
                info = one.memory_info()
                # Memory mapped from a file counts as shared.
                memory += info.rss - info.shared
        peak = max(peak, memory)
        watch()
        time.sleep(0.05)
    if process.returncode:
        raise ValueError(f"The process ended with {process.returncode}.")
    return time.monotonic() - start, peak
