"""The record, the curve and the card of a fine-tuned preset."""

from pathlib import Path
from typing import Any

from keras_resblocks_plugin.training._save_results import new_record, save_results
from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig


def save_finetuned(
    folder: Path,
    config: FinetuneConfig,
    recipe: dict[str, Any],
    data: dict[str, Any],
    results: dict[str, float],
    history: list[dict[str, float]],
    metric: str,
    metric_name: str,
) -> None:
    """Writes `training.json`, the curve and the card into a saved preset.

    Args:
        folder: The preset.
        config: The arguments of the run.
        recipe: The task's own entries of the recipe, such as sizes and augmentation.
        data: The task's own entries of the data, such as the numbers of images.
        results: The measured results, by names such as `"validation_top1"`.
        history: The metrics of each epoch.
        metric: The metric to plot.
        metric_name: Its name on the plot.
    """
    preset = Path(config.preset)
    name = preset.name if preset.is_dir() else config.preset
    data = {"name": Path(config.data).name, "license": config.data_license, **data}
    record = new_record(
        license=config.license,
        start={"architecture" if config.from_scratch else "preset": name},
        recipe={**_shared_recipe(config), **recipe},
        data=data,
        results=results,
        history=history,
        seed=config.seed,
    )
    save_results(folder, record, metric, metric_name)


def _shared_recipe(config: FinetuneConfig) -> dict[str, Any]:
    updates_statistics = config.from_scratch or config.update_batch_norm
    return {
        "task": config.task,
        "strategy": "from scratch" if config.from_scratch else config.strategy,
        "rank": (config.rank or 4) if config.strategy == "lora" else None,
        "batch_norm_statistics": "updated" if updates_statistics else "frozen",
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "optimizer": "AdamW",
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "dtype": config.dtype,
    }
