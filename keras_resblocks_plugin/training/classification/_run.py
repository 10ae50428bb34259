"""A run of fine-tuning for classification, from data to a saved preset."""

import shutil

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.saving._training_record import RECORD_FILE
from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._accuracy import measure
from keras_resblocks_plugin.training._fit import check_batch_size, fit
from keras_resblocks_plugin.training.classification import _batches, _model
from keras_resblocks_plugin.training.classification._config import ClassificationConfig
from keras_resblocks_plugin.training.classification._images import ChosenImages, open_images
from keras_resblocks_plugin.training.data._resizing import Converted, normalizer
from keras_resblocks_plugin.training.data._sources import Images
from keras_resblocks_plugin.training.finetuning import _start
from keras_resblocks_plugin.training.finetuning._float32 import in_float32
from keras_resblocks_plugin.training.finetuning._optimizer import new_optimizer
from keras_resblocks_plugin.training.finetuning._save_finetuned import save_finetuned


def run(config: ClassificationConfig) -> None:
    """Trains, measures on the validation split and saves."""
    _distribution.start(config.distribution, config.batch_size)
    converter = krp.ResBlockImageConverter.from_preset(config.preset)
    images = open_images(config, Converted(converter))
    check_batch_size(config.batch_size, len(images.rows["train"]))
    _start.claim_folder(config, images.settings)
    normalize = normalizer(converter)
    _, model = _new_model(config, images)
    train = images.open("train")
    history = _train(model, config, images, train, normalize)
    weights = model.get_weights()
    if not _distribution.finish():
        return
    # The same model on one device, where it can be saved.
    backbone, model = _new_model(config, images)
    model.set_weights(weights)
    preset = in_float32(
        model,
        backbone,
        lambda float32: _model.build(float32, images.class_names),
        config.out / "backbone",
    )
    results = _measure(preset, images, normalize)
    preset.preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    folder = config.out / "preset"
    preset.save_to_preset(str(folder))
    save_finetuned(
        folder,
        config,
        recipe={
            "image_size": _size_in_words(train),
            "augmentation": "mirrored, shifted by up to "
            f"{_batches.AUGMENTATION.translation} of the side",
            "images_per_class": config.images_per_class,
        },
        data={f"{name}_images": len(rows) for name, rows in images.rows.items()}
        | {"unreadable_images_left_out": images.unreadable or None},
        results=results,
        history=history,
        metric="accuracy",
        metric_name="top-1 accuracy",
    )
    if config.strategy == "lora":
        model.save_lora_weights(config.out / "adapter" / "adapter.safetensors")
        shutil.copy(folder / RECORD_FILE, config.out / "adapter")


def _new_model(config: ClassificationConfig, images: ChosenImages):
    backbone = _start.load_backbone(config)
    model = _model.build(backbone, images.class_names)
    _start.freeze(model, config)
    return backbone, model


def _train(model, config: ClassificationConfig, images: ChosenImages, train: Images, normalize):
    watched = None
    if "held_out" in images.rows:
        rows = _distribution.share(images.rows["held_out"], equal=False)
        watched = _batches.evaluation_batches(images.open("held_out", rows), normalize)
    steps_per_epoch = len(images.rows["train"]) // config.batch_size
    optimizer = new_optimizer(
        config.learning_rate, config.weight_decay, config.epochs * steps_per_epoch
    )
    _model.compile_for(model, optimizer)
    return fit(
        model,
        _batches.training_batches(
            *(train, config.batch_size, normalize, config.seed),
            max_unreadable=None if config.skip_unreadable else 0,
        ),
        steps_per_epoch,
        config.epochs,
        config.out,
        watched,
        config.seed,
        config.batch_size,
    )


def _measure(preset, images: ChosenImages, normalize) -> dict[str, float]:
    results = {}
    for name in images.rows:
        if name == "train":
            continue
        batches = _batches.evaluation_batches(images.open(name), normalize)
        for metric, value in measure(preset, batches).items():
            results[f"{name}_{metric}"] = value
    return results


def _size_in_words(images: Images) -> int | str:
    height, width = images[0].shape[:2]
    return height if height == width else f"{height} × {width}"
