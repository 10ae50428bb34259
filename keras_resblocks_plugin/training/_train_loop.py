"""A training run by a recipe, from the dataset to the saved preset."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import grain
import keras
import numpy as np
from tqdm import trange

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils._kerashub import shapes_only
from keras_resblocks_plugin.training import _distribution, _runs
from keras_resblocks_plugin.training._batch_norm import recompute_batch_norm
from keras_resblocks_plugin.training._checkpoints import Checkpoints
from keras_resblocks_plugin.training._classifier import build_classifier, build_converter
from keras_resblocks_plugin.training._clock import Clock
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier, finished_steps
from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training._save_trained import measure_and_save
from keras_resblocks_plugin.training._train import TrainConfig
from keras_resblocks_plugin.training.data._batches import own_errors
from keras_resblocks_plugin.training.data._images import UnreadableImage
from keras_resblocks_plugin.training.data._input import evaluation_batches
from keras_resblocks_plugin.training.data._recipe_data import open_recipe_data
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.data._sources import Images
from keras_resblocks_plugin.training.data._training import new_training_batches
from keras_resblocks_plugin.training.device._choice import check_device_input

# Batches over which the statistics of averaged weights are computed.
_STATISTICS_BATCHES = 200
# The most images whose pixels set the scaling.
_SAMPLED = 4096


def run(config: TrainConfig, recipe: Recipe) -> None:
    """Trains, measures and saves; the validation split is only reported on."""
    _check_places(config)
    config.out.mkdir(parents=True, exist_ok=True)
    if config.input == "device":
        check_device_input(recipe, config.distribution)
    keras.utils.set_random_seed(config.seed)
    _distribution.start(config.distribution, recipe.step_size)
    clock = Clock(config.minutes, recipe.schedule) if config.minutes else None
    _check_backbone(config, recipe)
    data = open_recipe_data(config, recipe)
    _runs.claim(
        config.out,
        {
            "task": "train",
            "recipe": recipe.to_dict(),
            "seed": config.seed,
            "skip_unreadable": config.skip_unreadable,
            "data": data.settings,
            "start": _runs.start_settings(config.start) if config.start else None,
            **({"minutes": config.minutes} if config.minutes else {}),
        },
    )
    images = data.training_images()
    converter = build_converter(_sampled_squares(images, recipe.image_size), **recipe.converter)
    watched, unseen = data.watched_images(), data.unseen_images()
    trained = _fit(config, recipe, images, watched, converter, data.mode == "device", clock)
    if trained is not None:
        measure_and_save(config, recipe, *trained, data.counts, unseen)


def _check_places(config: TrainConfig) -> None:
    """Checks that the run does not replace the preset that it starts from.

    Raises:
        ValueError: If it would: killed while it saves, it could not be started again.
    """
    start, folder = config.start, config.preset_folder
    if start and Path(start).is_dir() and Path(start).resolve() == folder.resolve():
        raise ValueError(
            "`start` must be another folder than the one that the preset is saved to, or the run "
            f"could not be started again. Set `preset` to another. Received: start={start}"
        )


def _check_backbone(config: TrainConfig, recipe: Recipe) -> None:
    """Checks the arguments of the backbone, before any image is decoded.

    Raises:
        ValueError: If the backbone cannot be built.
    """
    try:
        # Without values, and without a trace in the random numbers of the run.
        with shapes_only():
            krp.ResBlockBackbone(**recipe.backbone)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The [backbone] of the recipe {config.recipe} is invalid: {error}"
        ) from None


def _sampled_squares(images: Images, image_size: int) -> Iterator[np.ndarray]:
    """Yields this process's part of every 50th training image, or of fewer of very many."""
    square = Square(image_size)
    process, processes = _distribution.place()
    step = max(50, -(-len(images) // _SAMPLED))

    def read(row):
        with contextlib.suppress(UnreadableImage):
            pixels = images[row]
            return pixels if pixels.shape[:2] == (image_size, image_size) else square(pixels)
        # grain leaves it out.
        return None

    rows = grain.MapDataset.range(process * step, len(images), processes * step)
    threads = os.cpu_count() or 1
    yield from rows.map(read).to_iter_dataset(grain.ReadOptions(threads, 2 * threads))


def _fit(
    config: TrainConfig,
    recipe: Recipe,
    images: Images,
    watched: Images | None,
    converter: krp.ResBlockImageConverter,
    on_device: bool,
    clock: Clock | None,
) -> tuple[krp.ResBlockImageClassifier, float] | None:
    """Trains or resumes training.

    Returns:
        The classifier in float32 and the number of epochs, in the first process.
    """

    def build(dtype):
        return build_classifier(
            recipe.backbone, images.class_names, converter, recipe.dropout, dtype
        )

    model = build(recipe.dtype)
    # The batches are converted already.
    model.preprocessor = None
    if config.start:
        start = krp.ResBlockImageClassifier.from_preset(config.start)
        model.set_weights(start.get_weights())
    steps_per_epoch = recipe.steps_per_epoch(len(images))
    steps = steps_per_epoch * recipe.schedule.epochs
    batches = new_training_batches(
        images,
        np.arange(len(images)),
        recipe.step_size,
        recipe.augmentation,
        converter,
        config.seed,
        image_size=(recipe.image_size, recipe.image_size),
        steps=steps,
        max_unreadable=None if config.skip_unreadable else recipe.max_unreadable,
    )
    trained, source = model, batches
    if on_device:
        from keras_resblocks_plugin.training.device._training import new_device_training

        trained, source = new_device_training(
            model, images, recipe, converter, config.seed, steps_per_epoch
        )
    compile_classifier(
        trained,
        recipe.schedule,
        steps_per_epoch,
        recipe.optimizer,
        recipe.label_smoothing,
        recipe.loss,
        recipe.target_threshold,
        recipe.accumulate,
        by_clock=clock is not None,
    )
    validation_data = None
    if watched is not None:
        validation_data = evaluation_batches(
            watched, np.arange(len(watched)), recipe.step_size, converter
        )
    fit(
        trained,
        source,
        steps_per_epoch,
        recipe.schedule.epochs,
        config.out,
        validation_data,
        config.seed,
        recipe.step_size,
        [
            Checkpoints(
                *(model, config.out / _runs.CHECKPOINTS),
                *(config.keep_checkpoints, config.out / _runs.HISTORY),
            )
        ],
        clock,
    )
    epochs = finished_steps(trained.optimizer) / steps_per_epoch
    weights = model.get_weights()
    if not _distribution.finish():
        return None
    classifier = build("float32")
    classifier.set_weights(weights)
    if recipe.optimizer.ema_momentum:
        count = min(_STATISTICS_BATCHES, steps_per_epoch)
        progress = trange(count, desc="Recomputing batch-norm statistics")
        with own_errors(batches):
            recompute_batch_norm(classifier.backbone, batches.starting_at(steps), progress)
    return classifier, epochs
