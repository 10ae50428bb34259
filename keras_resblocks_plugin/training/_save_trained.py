"""The preset that a training run saves, with its measured accuracies and its record."""

from pathlib import Path

import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.diagnostics._multiply_adds import multiply_adds
from keras_resblocks_plugin.saving._locate import locate
from keras_resblocks_plugin.saving._training_record import RECORD_FILE, TrainingRecord
from keras_resblocks_plugin.training import _callbacks, _runs, _storage
from keras_resblocks_plugin.training._accuracy import measure
from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training._save_results import new_record, save_results
from keras_resblocks_plugin.training._train import TrainConfig
from keras_resblocks_plugin.training._tried_rates import describe_tried_rates
from keras_resblocks_plugin.training.data._input import evaluation_batches
from keras_resblocks_plugin.training.data._sources import Images

_BATCH_SIZE = 250


def measure_and_save(
    config: TrainConfig,
    recipe: Recipe,
    classifier: krp.ResBlockImageClassifier,
    epochs: float,
    counts: dict[str, int],
    unseen: dict[str, Images],
) -> None:
    """Measures a trained classifier on unseen images, then saves it with its record.

    Args:
        config: The settings of the run.
        recipe: The recipe of the run.
        classifier: The trained classifier, in float32.
        epochs: The epochs that it was trained for.
        counts: The numbers of images, for the record.
        unseen: The images to measure on, by `"held_out"` and `"validation"`.
    """
    preprocessor = classifier.preprocessor
    converter = preprocessor.image_converter

    def measure_all():
        # The batches are preprocessed already.
        classifier.preprocessor = None
        try:
            return {
                f"{name}_{metric}": value
                for name, images in unseen.items()
                for metric, value in measure(
                    classifier,
                    evaluation_batches(images, np.arange(len(images)), _BATCH_SIZE, converter),
                ).items()
            }
        finally:
            classifier.preprocessor = preprocessor

    # Before saving, so that weights which cannot be measured do not replace a good preset.
    results, stored = measure_all(), "float32"
    folder = config.preset_folder
    classifier.save_to_preset(str(folder))
    if config.bfloat16:
        rounded = _storage.store_as_bfloat16(classifier, folder, results, measure_all)
        if rounded is not None:
            results, stored = rounded, "bfloat16"
    data = {"name": Path(config.data).name, "license": config.data_license}
    data |= {"classes": len(classifier.class_names), **counts}
    history = _callbacks.read_history(config.out / _runs.HISTORY)
    record = new_record(
        license=config.license,
        start=_start_record(config.start),
        recipe=recipe.to_dict(),
        data=data,
        results=results,
        history=history,
        seed=config.seed,
        null=("start", "learning_rates_tried"),
    )
    record.stored_as = stored
    if config.minutes:
        record.epochs, record.minutes = round(epochs, 2), config.minutes
    record.multiply_adds = multiply_adds(classifier.backbone, recipe.measured_size)
    record.learning_rates_tried = describe_tried_rates(config.recipe, recipe, data["name"])
    save_results(folder, record)


def _start_record(start: str | None) -> dict | None:
    """The record of the preset that the run started from, where it has one."""
    if start is None:
        return None
    folder = Path(locate(start, krp.ResBlockBackbone.presets))
    has_record = (folder / RECORD_FILE).is_file()
    return TrainingRecord.read(folder).to_json() if has_record else {"preset": start}
