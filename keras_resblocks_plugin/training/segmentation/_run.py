"""A run of fine-tuning for segmentation, from data to a saved preset."""

from keras_resblocks_plugin.training._fit import check_batch_size, fit
from keras_resblocks_plugin.training.finetuning import _dense, _start
from keras_resblocks_plugin.training.finetuning._float32 import in_float32
from keras_resblocks_plugin.training.finetuning._optimizer import new_optimizer
from keras_resblocks_plugin.training.finetuning._save_finetuned import save_finetuned
from keras_resblocks_plugin.training.segmentation import _batches, _metrics, _model
from keras_resblocks_plugin.training.segmentation._augmentation import SCALES
from keras_resblocks_plugin.training.segmentation._classes import (
    Classes,
    check_split,
    find_classes,
)
from keras_resblocks_plugin.training.segmentation._config import SegmentationConfig
from keras_resblocks_plugin.training.segmentation._data import MaskedImages, load_masked_images
from keras_resblocks_plugin.training.segmentation._samples import draw_samples

# The number of images in the picture of samples.
_SAMPLES = 4


def run(config: SegmentationConfig) -> None:
    """Trains, watches the validation split, measures on the test split and saves."""
    splits, classes = _load(config)
    train, validation, test = splits.values()
    check_batch_size(config.batch_size, train.images.count)
    _start.claim_folder(config, {split: images.settings for split, images in splits.items()})
    encoder = _start.load_backbone(config)
    size = _batches.padded_size(train.size, _model.stride(encoder))
    converter = _dense.load_converter(config.preset, size)

    with _dense.dtype_policy(config.dtype):
        model = _model.build(encoder, len(classes.names))
    _start.freeze(model, config)
    steps_per_epoch = train.images.count // config.batch_size
    optimizer = new_optimizer(
        config.learning_rate, config.weight_decay, config.epochs * steps_per_epoch
    )
    _model.compile_for(model, optimizer)
    history = fit(
        model,
        _batches.training_batches(
            train, classes, size, config.batch_size, converter, config.seed, scales=SCALES
        ),
        steps_per_epoch,
        config.epochs,
        config.out,
        _batches.evaluation_batches(validation, classes, size, config.batch_size, converter),
        config.seed,
        config.batch_size,
    )

    preset = in_float32(
        model,
        encoder,
        lambda float32: _model.build(float32, len(classes.names), converter),
        config.out / "encoder",
    )
    confusion = _metrics.confusion_matrix(preset, test, classes, size, config.batch_size)
    folder = config.out / "preset"
    preset.save_to_preset(str(folder))
    rows = _dense.sample_rows(test.images.count, _SAMPLES)
    file = folder / "samples" / "segmentation.png"
    draw_samples(preset, test, classes, size, rows, file)
    save_finetuned(
        folder,
        config,
        recipe={
            "image_size": f"{size[0]} × {size[1]}, padded from {train.size[0]} × {train.size[1]}",
            "augmentation": f"mirrored, scaled by {SCALES[0]} to {SCALES[1]}, cropped",
        },
        data={
            **_dense.data_record(splits, classes.names),
            "ignored_class": config.ignore_class,
        },
        results=_metrics.scores(confusion, classes.names, "test"),
        history=history,
        metric="mean_iou",
        metric_name="mean IoU",
    )


def _load(config: SegmentationConfig) -> tuple[dict[str, MaskedImages], Classes]:
    """Loads and checks the three splits."""
    splits = {
        split: load_masked_images(
            *(config.data, split, config.out / "cache", config.image_size),
            *(config.image_column, config.mask_column, config.skip_unreadable),
            *(config.class_values, config.ignore_class),
        )
        for split in (config.train_split, config.validation_split, config.test_split)
    }
    train = splits[config.train_split]
    classes = find_classes(config.class_names, config.ignore_class, train, config.class_values)
    for split, images in splits.items():
        check_split(split, images, classes, train.size)
    return splits, classes
