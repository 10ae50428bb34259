"""The files that a run leaves beside the weights: figures, curve and card."""

import json
import os
import platform
from pathlib import Path

import keras
import matplotlib

from keras_resblocks_plugin._utils._jsonfile import write_json
from keras_resblocks_plugin.training import _runs

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def training_record(
    recipe: dict, data: dict, results: dict[str, float], history: list[dict], seed: int
) -> dict:
    """All that one needs to know, and to repeat the run: the content of `training.json`."""
    return {
        "recipe": recipe,
        "data": data,
        "results": results,
        "seed": seed,
        "epochs": len(history),
        "seconds": round(sum(epoch["seconds"] for epoch in history)),
        "hardware": hardware(),
        "software": {
            "python": platform.python_version(),
            "keras": keras.version(),
            "backend": f"{keras.backend.backend()} {_backend_version()}",
        },
        "history": history,
    }


def hardware() -> str:
    """The processor and its cores, or the accelerator."""
    accelerators = _accelerators()
    if accelerators:
        return f"{len(accelerators)} of {accelerators[0]}"
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        name = next((x.split(": ")[1] for x in lines if x.startswith("model name")), name)
    return f"{os.cpu_count()} cores of {name}"


def plot_curve(
    history: list[dict], file: Path, metric: str = "accuracy", metric_name: str = "top-1 accuracy"
) -> None:
    """A metric over epochs, on augmented training images and on held-out ones."""
    epochs = [figures["epoch"] for figures in history]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(epochs, [f[metric] for f in history], label="training images, augmented")
    if f"val_{metric}" in history[0]:
        axes.plot(epochs, [f[f"val_{metric}"] for f in history], label="held-out images")
    axes.set(xlabel="epoch", ylabel=metric_name, ylim=(0, None), xlim=(1, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=100, metadata={"Software": None})
    plt.close(figure)


def save_record(folder: Path, record: dict, *curve: str) -> None:
    """Writes `training.json`, the curve and the card into a preset folder.

    Args:
        folder: The preset.
        record: What `training_record` returned.
        *curve: The metric that the curve shows, and its name, if it is not accuracy.
    """
    from keras_resblocks_plugin.hub._card import model_card

    record["weights"] = _runs.weights_digest(folder)
    write_json(folder / "training.json", record)
    plot_curve(whole_history(record), folder / "curve.png", *curve)
    model_card(folder).save(folder / "README.md")


def read_record(folder: Path) -> dict:
    """The `training.json` of a preset folder, if it is about the weights that lie there.

    Raises:
        ValueError: If the weights were replaced after they had been measured.
    """
    record = json.loads((folder / "training.json").read_text())
    # Records of earlier versions do not say it.
    if record.get("weights") not in (None, _runs.weights_digest(folder)):
        raise ValueError(
            f"The figures in {folder}/training.json are those of other weights than the folder "
            "has. Run the training again, or remove the file."
        )
    return record


def whole_history(record: dict) -> list[dict]:
    """The epochs of the run, behind those of the run that its weights come from."""
    earlier = (record.get("start") or {}).get("history", [])
    later = [{**epoch, "epoch": epoch["epoch"] + len(earlier)} for epoch in record["history"]]
    return [*earlier, *later]


def _accelerators() -> list[str]:
    if keras.backend.backend() == "torch":
        # Keras has no `distribution` on PyTorch.
        import torch

        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
