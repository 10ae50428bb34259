"""Detection: KerasHub's RetinaNet on the preset's backbone, measured by COCO's mAP."""

import argparse

# The least and the greatest side of the windows through which training images are seen.
_SCALES = (0.7, 1.3)
_SAMPLES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what detection needs beside the arguments of every task."""
    parser.set_defaults(epochs=20, batch_size=32, learning_rate=5e-4)
    parser.add_argument(
        "--objects-column", default="objects", help="the column of lists of `bbox` and `category`"
    )
    parser.add_argument(
        "--skip-bad-boxes",
        action="store_true",
        help="leave out images with a box of no area, or outside of them",
    )
    parser.add_argument(
        "--image-size", type=int, metavar="SIDE", help="in pixels; the preset's if not set"
    )


def run(args: argparse.Namespace) -> None:
    """Trains, measures on the validation split, saves."""
    from keras_resblocks_plugin.training import _dense, _detection, _finetuning
    from keras_resblocks_plugin.training import _detection_results as results
    from keras_resblocks_plugin.training.data import _classes
    from keras_resblocks_plugin.training.data import _detection_batches as batches
    from keras_resblocks_plugin.training.data import _detection_data as data

    results.check_pycocotools()
    encoder = _finetuning.load_backbone(args)
    converter = _dense.load_converter(
        args.preset,
        args.image_size and (args.image_size, args.image_size),
        bounding_box_format=_detection.FORMAT,
    )
    if converter.image_size is None:
        raise ValueError(f"--image-size must be given: the preset {args.preset!r} has none.")
    side = min(converter.image_size)
    converter.image_size = (side, side)
    splits = {
        split: data.load_boxed_images(
            *(args.data, split, args.out / "cache", side),
            *(args.image_column, args.objects_column),
            *(args.skip_unreadable, args.skip_bad_boxes),
        )
        for split in (args.train_split, args.validation_split)
    }
    train, validation = splits.values()
    what, owner = f"The split {args.validation_split!r}", f"the split {args.train_split!r}"
    validation = _classes.read_by(validation, train.class_names, what, owner)
    _dense.check_batch_size(args, train.images.count)
    _finetuning.claim_folder(args, {split: images.settings for split, images in splits.items()})
    num_classes = len(train.class_names)

    model = _detection.build(encoder, num_classes, side)
    _finetuning.freeze(model, args)
    steps_per_epoch = train.images.count // args.batch_size
    _detection.compile_for(model, _finetuning.new_optimizer(args, steps_per_epoch))
    history = _finetuning.fit(
        model,
        batches.training_batches(train, _SCALES, args.batch_size, converter, args.seed),
        steps_per_epoch,
        args,
        batches.evaluation_batches(validation, args.batch_size, converter),
    )

    preset = _dense.in_float32(
        model,
        encoder,
        lambda float32: _detection.build(float32, num_classes, side, converter),
        args.out / "encoder",
    )
    detections = results.detect(preset, validation, args.batch_size)
    folder = args.out / "preset"
    preset.save_to_preset(str(folder))
    results.draw_samples(
        detections,
        validation,
        _dense.sample_rows(validation.images.count, _SAMPLES),
        folder / "samples" / "detection.png",
    )
    _finetuning.save_record(
        folder,
        args,
        recipe={
            "image_size": side,
            "anchors": f"from {preset.anchor_generator.anchor_size:g} cells of levels "
            f"{preset.backbone.min_level} to {preset.backbone.max_level}",
            "augmentation": f"mirrored, windows of {_SCALES[0]} to {_SCALES[1]} of the image",
        },
        data=_dense.data_record(splits, train.class_names),
        results={
            f"validation_{name}": value
            for name, value in results.average_precision(detections, validation).items()
        },
        history=history,
        metric="loss",
        metric_name="loss",
    )
