"""The plots of the report on the presets."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from _records import measurements
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from keras_resblocks_plugin.saving._training_record import TrainingRecord


def plot_presets(
    presets: dict[str, TrainingRecord], latencies: dict[str, list[float]], on_all: str, file: Path
) -> None:
    """Accuracy over epochs, against parameters and multiply-adds, and the latency.

    Args:
        presets: Records of presets by name, with `multiply_adds` and `more["parameters"]`.
        latencies: Seconds of the measured passes by name.
        on_all: The dataset that all were measured on.
        file: The PNG to write.
    """
    figure, panels = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
    (epochs, parameters), (compute, latency) = panels
    colours = {name: f"C{index}" for index, name in enumerate(presets)}
    for name, record in presets.items():
        history = [epoch for epoch in record.whole_history if "val_accuracy" in epoch]
        epochs.plot(
            [epoch["epoch"] for epoch in history],
            [epoch["val_accuracy"] for epoch in history],
            color=colours[name],
            label=f"{name}: {record.data['classes']} classes",
        )
        counts = (parameters, record.more["parameters"]), (compute, record.multiply_adds)
        for axes, count in counts:
            top1 = measurements(record)[on_all]["top1"]
            axes.scatter(count / 1e6, top1, color=colours[name], label=name, alpha=0.8)
    epochs.set(xlabel="epoch", ylabel="top-1, held-out images", ylim=(0, None))
    epochs.legend(fontsize=8, loc="lower right")
    parameters.set(xlabel="parameters, million", ylabel=f"top-1, {on_all}")
    compute.set(xlabel="multiply-adds, million", ylabel=f"top-1, {on_all}")
    for axes in (parameters, compute):
        # From zero, or presets that are nearly alike would look far apart.
        (_, right), (_, top) = axes.get_xlim(), axes.get_ylim()
        axes.set(xlim=(0, 1.1 * right), ylim=(0, 1.1 * top))
        axes.legend(fontsize=8, loc="lower left")
    latency.boxplot(
        [[1000 * value for value in latencies[name]] for name in presets],
        tick_labels=list(presets),
        orientation="horizontal",
        showfliers=False,
    )
    latency.set(xlabel="milliseconds for one image")
    latency.invert_yaxis()
    for axes in panels.flat:
        axes.grid(alpha=0.3)
    save_small(figure, file)


def save_small(figure: Figure, file: Path) -> None:
    """Saves a PNG of few colours: it ships with the package."""
    figure.savefig(file, dpi=80, metadata={"Software": None})
    plt.close(figure)
    with Image.open(file) as image:
        # The default method spends its colours on edges and leaves two thin lines with one grey.
        few = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
    few.save(file, optimize=True)
