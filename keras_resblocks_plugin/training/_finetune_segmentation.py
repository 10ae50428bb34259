"""Segmentation: KerasHub's DeepLabV3+ on the preset's backbone, measured by mean IoU."""

import argparse

# The largest changes of scale that training images are given.
_SCALES = (0.75, 1.5)
_SAMPLES = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what segmentation needs beside the arguments of every task."""
    parser.set_defaults(epochs=30, batch_size=8, learning_rate=1e-3)
    parser.add_argument("--test-split", default="test", help="the split measured on")
    parser.add_argument("--mask-column", default="mask", help="the column of masks of class ids")
    parser.add_argument(
        "--ignore-class", type=int, metavar="ID", help="the id of pixels that are no class"
    )
    parser.add_argument(
        "--class-values",
        type=int,
        nargs="+",
        metavar="ID",
        help="the values in the masks that are the classes, in their order; 0, 1, … if not set",
    )
    parser.add_argument(
        "--class-names", nargs="+", help="by id, without the ignored one; numbers if not set"
    )
    parser.add_argument(
        "--image-size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="scale all images to this size, if they are of several",
    )


def run(args: argparse.Namespace) -> None:
    """Trains, watches the validation split, measures on the test split, saves."""
    from keras_resblocks_plugin.training import _dense, _finetuning, _segmentation
    from keras_resblocks_plugin.training import _segmentation_results as results
    from keras_resblocks_plugin.training.data import _segmentation_batches as batches
    from keras_resblocks_plugin.training.data import _segmentation_data as data

    splits = {
        split: data.load_masked_images(
            *(args.data, split, args.out / "cache", args.image_size),
            *(args.image_column, args.mask_column, args.skip_unreadable),
            *(args.class_values, args.ignore_class),
        )
        for split in (args.train_split, args.validation_split, args.test_split)
    }
    train, validation, test = splits.values()
    classes = data.find_classes(args.class_names, args.ignore_class, train, args.class_values)
    for split, images in splits.items():
        data.check_split(split, images, classes, train.size)
    _dense.check_batch_size(args, train.images.count)
    _finetuning.claim_folder(args, {split: images.settings for split, images in splits.items()})
    encoder = _finetuning.load_backbone(args)
    size = batches.padded_size(train.size, _segmentation.stride(encoder))
    converter = _dense.load_converter(args.preset, size)

    with _dense.dtype_policy(args.dtype):
        model = _segmentation.build(encoder, len(classes.names))
    _finetuning.freeze(model, args)
    steps_per_epoch = train.images.count // args.batch_size
    _segmentation.compile_for(model, _finetuning.new_optimizer(args, steps_per_epoch))
    history = _finetuning.fit(
        model,
        batches.training_batches(
            train, classes, size, _SCALES, args.batch_size, converter, args.seed
        ),
        steps_per_epoch,
        args,
        batches.evaluation_batches(validation, classes, size, args.batch_size, converter),
    )

    preset = _dense.in_float32(
        model,
        encoder,
        lambda float32: _segmentation.build(float32, len(classes.names), converter),
        args.out / "encoder",
    )
    confusion = results.confusion_matrix(preset, test, classes, size, args.batch_size)
    folder = args.out / "preset"
    preset.save_to_preset(str(folder))
    results.draw_samples(
        preset,
        test,
        classes,
        size,
        _dense.sample_rows(test.images.count, _SAMPLES),
        folder / "samples" / "segmentation.png",
    )
    _finetuning.save_record(
        folder,
        args,
        recipe={
            "image_size": f"{size[0]} × {size[1]}, padded from {train.size[0]} × {train.size[1]}",
            "augmentation": f"mirrored, scaled by {_SCALES[0]} to {_SCALES[1]}, cropped",
        },
        data={
            **_dense.data_record(splits, classes.names),
            "ignored_class": args.ignore_class,
        },
        results=results.scores(confusion, classes.names, "test"),
        history=history,
        metric="mean_iou",
        metric_name="mean IoU",
    )
