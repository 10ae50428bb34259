"""The model card, generated from the files of a preset or an adapter."""

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from keras_resblocks_plugin.hub._edited_card import sign
from keras_resblocks_plugin.saving._buildable import residual_backbones
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE, METADATA_FILE, TASK_FILE
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._training_record import TrainingRecord

_TEMPLATE = Path(__file__).with_name("card_template.md")
_SPLITS = ("train", "held_out", "validation", "test")
# KerasHub's task → what the Hub calls it.
_PIPELINE_TAGS = {
    "ImageClassifier": "image-classification",
    "ImageSegmenter": "image-segmentation",
    "ObjectDetector": "object-detection",
    None: "image-feature-extraction",
}


def model_card(folder: str | Path | PresetFolder, repo_id: str | None = None) -> ModelCard:
    """The card of a preset, from its configs and, where there is one, its `training.json`.

    Args:
        folder: string, path or `PresetFolder`. The preset, or the folder of an adapter.
        repo_id: string. The repository that it goes to, as `"user/name"`. Without it the card
            says to load the preset by the folder's name. Defaults to `None`.

    Returns:
        A `huggingface_hub.ModelCard`.

    Example:

    ```python
    model_card("presets/resblock_bn_small").save("presets/resblock_bn_small/README.md")
    ```
    """
    preset = PresetFolder.of(folder)
    name = repo_id.split("/")[-1] if repo_id else preset.path.resolve().name
    adapter = preset.adapter if preset.is_adapter else {}
    config = adapter.get("architecture") or _backbone_config(_read(preset, CONFIG_FILE))
    task_config = _read(preset, TASK_FILE)
    record = preset.record
    task = task_name(task_config.get("class_name", ""))
    num_classes = _num_classes(task_config)
    if adapter.get("class_names"):
        task, num_classes = "ImageClassifier", len(adapter["class_names"])
    data = _table(record.data)
    results = _eval_results(record.results, data.get("name", "unnamed"), task)
    classes = {data.get("name"): data.get("classes")}
    for other in record.measured_on or []:
        figures = {f"{other.get('split')}_{key}": other.get(key) for key in ("top1", "top5")}
        measured = _table(other)
        results += _eval_results(figures, measured.get("name", "unnamed"), task)
        classes[measured.get("name")] = measured.get("classes")
    card = ModelCard.from_template(
        ModelCardData(
            library_name="keras-hub",
            pipeline_tag=_PIPELINE_TAGS[task],
            license="apache-2.0" if record.license is None else record.license,
            tags=["keras", "keras-resblocks-plugin", "residual-blocks"]
            + (["lora"] if adapter else []),
            datasets=[data["name"]] if "name" in data else None,
            model_name=name if results else None,
            eval_results=results or None,
        ),
        template_path=str(_TEMPLATE),
        name=name,
        repo_id=repo_id,
        handle=f"hf://{repo_id}" if repo_id else name,
        summary=_summary(config, task, _read(preset, METADATA_FILE).get("parameter_count"))
        if not adapter
        else _adapter_summary(config, task, adapter["rank"]),
        adapter=adapter,
        base=_table(record.start).get("preset", "…"),
        task=task,
        architecture=_table(config, without=("name", "trainable", "frozen", "dtype")),
        training=_training(record),
        nearest_recipe=_table(record.recipe, without=("backbone",)) if record.made_by else {},
        differences=[_cell(text) for text in record.differs_from_recipe or []],
        results=results,
        classes=classes,
        earlier_weights=[_table(weights) for weights in record.earlier_weights or []],
        data=data,
        num_classes=num_classes,
        curve=(preset.path / "curve.png").is_file(),
        samples=sorted(path.name for path in preset.path.glob("samples/*.png")),
    )
    card.text = sign(card.text)
    return card


def _backbone_config(serialized: dict) -> dict:
    """The configuration of the residual network, also where another backbone is built on it."""
    found = residual_backbones(serialized)
    return found[0][1].get("config", {}) if found else {}


def _summary(config: dict, task: str | None, parameters: int | None) -> str:
    what = f"A {config.get('block_type', '')} residual network".replace("  ", " ")
    size = f" with {parameters:,} parameters" if parameters else ""
    use = _PIPELINE_TAGS[task].replace("-", " ")
    return f"{what}{size} for {use}, in KerasHub through the package `keras-resblocks-plugin`."


def _adapter_summary(config: dict, task: str | None, rank: int) -> str:
    what = "additions to the convolutions" + (" and a head" if task else "")
    return (
        f"{what[0].upper()}{what[1:]} of a {config['block_type']} residual network, by LoRA of "
        f"rank {rank}: for use with the weights that they were trained on, in KerasHub through "
        "the package `keras-resblocks-plugin`."
    )


def task_name(class_name: str) -> str | None:
    """The class of KerasHub by which a task loads: `"ResBlockImageClassifier"` is one, too."""
    return next((task for task in _PIPELINE_TAGS if task and class_name.endswith(task)), None)


def _num_classes(task_config: dict) -> int | None:
    config = task_config.get("config", {})
    return config.get("num_classes") or len(config.get("class_names") or []) or None


def _eval_results(results: Any, dataset: str, task: str | None) -> list[EvalResult]:
    """`{"validation_top1": 0.57}` as the Hub's result entries."""
    entries = []
    for key, value in (results if isinstance(results, dict) else {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        split = next((split for split in _SPLITS if key.startswith(f"{split}_")), None)
        metric = key.removeprefix(f"{split}_") if split else key
        top = metric.removeprefix("top") if metric.startswith("top") else ""
        entries.append(
            EvalResult(
                task_type=_PIPELINE_TAGS[task],
                dataset_type=dataset,
                dataset_name=dataset,
                dataset_split=split,
                metric_type="accuracy" if top.isdigit() else metric,
                metric_name=f"top-{top} accuracy" if top.isdigit() else metric.replace("_", " "),
                metric_value=value,
            )
        )
    return entries


def _training(record: TrainingRecord) -> dict[str, str]:
    keys = "learning_rates_tried epochs minutes seed seconds hardware software multiply_adds"
    keys += " stored_as note"
    run = {key: getattr(record, key) for key in keys.split()}
    rows = _table(record.made_by or record.recipe, without=("backbone",)) | _table(run)
    if isinstance(record.start, dict):
        start = TrainingRecord.from_json(record.start)
        earlier = _table(start.recipe, without=("backbone",))
        # The number of epochs that it really trained, as for the run itself.
        own = {"epochs": start.epochs, "note": start.note}
        rows["started from weights trained with"] = _cell(earlier | _table(own) or record.start)
    return rows


def _table(values: Any, without: tuple[str, ...] = ()) -> dict[str, str]:
    """The rows of a Markdown table; in a cell a pipe or a new line would end it."""
    rows = values.items() if isinstance(values, dict) else ()
    return {
        str(key).replace("_", " "): _cell(value)
        for key, value in rows
        if key not in without and value not in (None, {}, [])
    }


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value).replace("|", "\\|").replace("\n", " ")


def _read(preset: PresetFolder, name: str) -> dict[str, Any]:
    return preset.json(name) if preset.has(name) else {}
