"""Measurements of exported files: the same images through Keras and through every runtime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin._utils._timing import alternate, median_and_range
from keras_resblocks_plugin.export._runners import Runner
from keras_resblocks_plugin.saving._locate import locate
from keras_resblocks_plugin.training._divergence import check_predictions
from keras_resblocks_plugin.training.data._images import read_image
from keras_resblocks_plugin.training.data._resizing import Resize

BATCH_SIZE = 250
# From images to inputs of the exported model: as they are, or normalized.
Prepare = Callable[[np.ndarray], np.ndarray]


def sample_images(preset: str, resize: Resize) -> np.ndarray:
    """The photographs in a preset's `samples`, resized by its converter.

    Raises:
        ValueError: If there are no samples.
    """
    import keras_resblocks_plugin as krp

    folder = Path(locate(preset, krp.ResBlockBackbone.presets)) / "samples"
    files = sorted(folder.rglob("*.jpg"))
    if not files:
        raise ValueError(f"{preset!r} has no samples; name images by --data. Received: {folder}")
    return np.stack([resize(read_image(file)) for file in files])


def measure(
    runners: dict[str, Runner],
    images: np.ndarray,
    labels: np.ndarray | None,
    prepare: Prepare,
    runs: int,
) -> dict[str, dict]:
    """Compares runners with the first of them, and times them alternately.

    Args:
        runners: dict from names to functions of inputs.
        images: array. Images from 0 to 255.
        labels: array or `None`. Their classes, if they are known.
        prepare: Callable. Makes inputs of images.
        runs: int. How often to time one image; 0 for no times.

    Raises:
        Diverged: If a prediction is not finite.

    Returns:
        By name: `largest_difference`, over all outputs; `top1`, if there are labels; and
        `milliseconds` for one image, their median, least and most.
    """
    outputs = {name: [] for name in runners}
    for start in tqdm(range(0, len(images), BATCH_SIZE), desc="Comparing", unit=" batch"):
        batch = prepare(images[start : start + BATCH_SIZE])
        for name, run in runners.items():
            outputs[name].append(run(batch))
    outputs = {name: np.concatenate(values) for name, values in outputs.items()}
    for name, values in outputs.items():
        check_predictions(values, f"The predictions by {name}")
    expected = next(iter(outputs.values()))
    one = prepare(images[:1])
    seconds = alternate({name: lambda run=run: run(one) for name, run in runners.items()}, runs)
    return {
        name: {
            "largest_difference": float(np.abs(values - expected).max()),
            "top1": None if labels is None else float(np.mean(values.argmax(1) == labels)),
            "milliseconds": _milliseconds(seconds[name]) if runs else None,
        }
        for name, values in outputs.items()
    }


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    return median_and_range([1000 * value for value in seconds])


def report(record: dict) -> str:
    """The results in a Markdown table, below a line that says how they were measured."""
    data, results = record["data"], record["results"]
    rows = []
    for name, result in results.items():
        row = [
            name,
            f"{result['bytes'] / 1e6:.1f} MB" if "bytes" in result else "",
            f"{result['largest_difference']:.1g}" if name != "Keras" else "",
            "" if result["top1"] is None else f"{result['top1']:.1%}",
        ]
        if record["runs"]:
            times = result["milliseconds"]
            ratio = results["Keras"]["milliseconds"]["median"] / times["median"]
            row += ["{median:.2f} [{least:.2f}, {most:.2f}]".format(**times), f"{ratio:.1f}"]
        rows.append(row)
    header = ["run by", "size", "largest difference", "top-1"]
    text = (
        f"`{record['preset']}`, {data['images']:,} images ({data['name']}) of "
        f"{record['image_size']} px, from {'raw' if record['preprocessing'] else 'normalized'} "
        "pixels. The difference is between its logits and those of Keras."
    )
    if record["runs"]:
        header += ["ms for one image", "Keras / it"]
        text += (
            f" Times on {record['hardware']}: the median of {record['runs']} alternating runs, "
            "least and most in brackets."
        )
    return f"{text}\n\n{table(header, rows)}"
