"""The learning curve of a run."""

from pathlib import Path

from matplotlib.figure import Figure


def plot_curve(
    history: list[dict], file: Path, metric: str = "accuracy", metric_name: str = "top-1 accuracy"
) -> None:
    """Plots a metric over epochs, on augmented training images and on held-out ones.

    Args:
        history: The logs of each epoch.
        file: The PNG file to write.
        metric: The name of the metric in the logs.
        metric_name: The name of the metric in the figure.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for key, label in (
        (metric, "training images, augmented"),
        (f"val_{metric}", "held-out images"),
    ):
        # Some runs do not measure both, or not after every epoch.
        measured = [figures for figures in history if key in figures]
        if measured:
            axes.plot([f["epoch"] for f in measured], [f[key] for f in measured], label=label)
    axes.set(xlabel="epoch", ylabel=metric_name, ylim=(0, None), xlim=(1, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=100, metadata={"Software": None})
