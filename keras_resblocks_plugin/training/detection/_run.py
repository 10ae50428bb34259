"""A run of fine-tuning for detection, from data to a saved preset."""

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._fit import check_batch_size, fit
from keras_resblocks_plugin.training.data import _classes
from keras_resblocks_plugin.training.detection import _batches, _metrics, _model, _predict
from keras_resblocks_plugin.training.detection._augmentation import SCALES
from keras_resblocks_plugin.training.detection._config import DetectionConfig
from keras_resblocks_plugin.training.detection._data import BoxedImages, load_boxed_images
from keras_resblocks_plugin.training.detection._samples import draw_samples
from keras_resblocks_plugin.training.finetuning import _dense, _start
from keras_resblocks_plugin.training.finetuning._float32 import in_float32
from keras_resblocks_plugin.training.finetuning._optimizer import new_optimizer
from keras_resblocks_plugin.training.finetuning._save_finetuned import save_finetuned

# The number of images in the picture of samples.
_SAMPLES = 12


def run(config: DetectionConfig) -> None:
    """Trains, measures on the validation split and saves."""
    encoder = _start.load_backbone(config)
    converter = _load_converter(config)
    side, _ = converter.image_size
    splits = {
        split: load_boxed_images(
            *(config.data, split, config.out / "cache", side),
            *(config.image_column, config.objects_column),
            *(config.skip_unreadable, config.skip_bad_boxes),
        )
        for split in (config.train_split, config.validation_split)
    }
    train, validation = splits.values()
    validation = _read_by(train, validation, config)
    check_batch_size(config.batch_size, train.images.count)
    _start.claim_folder(config, {split: images.settings for split, images in splits.items()})

    model = _model.build(encoder, len(train.class_names), side)
    _start.freeze(model, config)
    steps_per_epoch = train.images.count // config.batch_size
    optimizer = new_optimizer(
        config.learning_rate, config.weight_decay, config.epochs * steps_per_epoch
    )
    _model.compile_for(model, optimizer)
    history = fit(
        model,
        _batches.training_batches(train, config.batch_size, converter, config.seed, scales=SCALES),
        steps_per_epoch,
        config.epochs,
        config.out,
        _batches.evaluation_batches(validation, config.batch_size, converter),
        config.seed,
        config.batch_size,
    )

    preset = in_float32(
        model,
        encoder,
        lambda float32: _model.build(float32, len(train.class_names), side, converter),
        config.out / "encoder",
    )
    detections = _predict.detect(preset, validation, config.batch_size)
    folder = config.out / "preset"
    preset.save_to_preset(str(folder))
    rows = _dense.sample_rows(validation.images.count, _SAMPLES)
    draw_samples(detections, validation, rows, folder / "samples" / "detection.png")
    save_finetuned(
        folder,
        config,
        recipe={
            "image_size": side,
            "anchors": f"from {preset.anchor_generator.anchor_size:g} cells of levels "
            f"{preset.backbone.min_level} to {preset.backbone.max_level}",
            "augmentation": f"mirrored, windows of {SCALES[0]} to {SCALES[1]} of the image",
        },
        data=_dense.data_record(splits, train.class_names),
        results={
            f"validation_{name}": value
            for name, value in _metrics.average_precision(detections, validation).items()
        },
        history=history,
        metric="loss",
        metric_name="loss",
    )


def _load_converter(config: DetectionConfig) -> krp.ResBlockImageConverter:
    """Loads the preset's converter, for square images."""
    size = config.image_size and (config.image_size, config.image_size)
    converter = _dense.load_converter(config.preset, size, bounding_box_format=_model.FORMAT)
    if converter.image_size is None:
        raise ValueError(f"--image-size must be given: the preset {config.preset!r} has none.")
    side = min(converter.image_size)
    converter.image_size = (side, side)
    return converter


def _read_by(train: BoxedImages, validation: BoxedImages, config: DetectionConfig) -> BoxedImages:
    """Reads the labels of the validation split by the classes of the training split."""
    what, owner = f"The split {config.validation_split!r}", f"the split {config.train_split!r}"
    return _classes.read_by(validation, train.class_names, what, owner)
