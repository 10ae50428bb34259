"""Classification: a new head on the preset's backbone, measured by top-1 and top-5 accuracy."""

import argparse
import shutil

from keras_resblocks_plugin.training import _distribution

# How images are varied while training.
_TRANSLATION = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what classification needs beside the arguments of every task."""
    parser.set_defaults(epochs=30, batch_size=50, learning_rate=1e-3)
    parser.add_argument("--label-column", default="label", help="the column of integer labels")
    parser.add_argument(
        "--images-per-class", type=int, metavar="N", help="learn from so many; from all if not set"
    )
    parser.add_argument(
        "--held-out-per-class",
        type=int,
        default=0,
        metavar="N",
        help="watch so many others of the training split, to choose by",
    )


def run(args: argparse.Namespace) -> None:
    """Trains, measures on the validation split, saves."""
    import keras
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training import _dense, _finetuning
    from keras_resblocks_plugin.training._accuracy import measure
    from keras_resblocks_plugin.training._jit_compile import jit_compile
    from keras_resblocks_plugin.training._recipe import Augmentation
    from keras_resblocks_plugin.training.data import _balanced_rows as data
    from keras_resblocks_plugin.training.data._input import evaluation_batches, training_batches
    from keras_resblocks_plugin.training.data._resizing import Converted, normalizer

    _distribution.start(args, args.batch_size)
    converter = krp.ResBlockImageConverter.from_preset(args.preset)
    resize, normalize = Converted(converter), normalizer(converter)
    splits, rows, skipped = data.choose_images(args, resize)
    _dense.check_batch_size(args, len(rows["train"]))
    _finetuning.claim_folder(
        args, {name: splits[name].settings | {"images": len(which)} for name, which in rows.items()}
    )
    train = splits["train"].decode(resize, _distribution.share(rows["train"]))
    watched = None
    if "held_out" in rows:
        watched = splits["held_out"].decode(
            resize, _distribution.share(rows["held_out"], equal=False)
        )
    class_names = splits["train"].class_names

    def build(backbone, preprocessor=None):
        return krp.ResBlockImageClassifier(
            backbone, class_names=class_names, preprocessor=preprocessor, head_dtype="float32"
        )

    def new_model():
        backbone = _finetuning.load_backbone(args)
        model = build(backbone)
        _finetuning.freeze(model, args)
        return backbone, model

    def batches_of(images):
        rows = np.arange(len(images.labels))
        return evaluation_batches(images, rows, 250, normalize)

    _, model = new_model()
    steps_per_epoch = len(rows["train"]) // args.batch_size
    model.compile(
        _finetuning.new_optimizer(args, steps_per_epoch),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=None,
        # Evaluation on several devices fills up its batches with images of weight 0.
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(),
    )
    augmentation = Augmentation(flip=True, translation=_TRANSLATION)
    history = _finetuning.fit(
        model,
        training_batches(
            train, np.arange(len(train.labels)), args.batch_size, augmentation, normalize, args.seed
        ),
        steps_per_epoch,
        args,
        batches_of(watched) if watched is not None else None,
    )
    weights = model.get_weights()
    if not _distribution.finish():
        return

    # The same on one device, where it can be saved.
    backbone, model = new_model()
    model.set_weights(weights)
    preset = _dense.in_float32(model, backbone, build, args.out / "backbone")
    results = {
        f"{name}_{metric}": value
        for name in rows.keys() - {"train"}
        for metric, value in measure(
            preset, batches_of(splits[name].decode(resize, rows[name]))
        ).items()
    }
    preset.preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    folder = args.out / "preset"
    preset.save_to_preset(str(folder))
    _finetuning.save_record(
        folder,
        args,
        recipe={
            "image_size": _size_in_words(train),
            "augmentation": f"mirrored, shifted by up to {_TRANSLATION} of the side",
            "images_per_class": args.images_per_class,
        },
        data={f"{name}_images": len(which) for name, which in rows.items()}
        | {"unreadable_images_left_out": skipped or None},
        results=results,
        history=history,
        metric="accuracy",
        metric_name="top-1 accuracy",
    )
    if args.strategy == "lora":
        model.save_lora_weights(args.out / "adapter" / "adapter.safetensors")
        shutil.copy(folder / "training.json", args.out / "adapter")


def _size_in_words(images) -> int | str:
    height, width = images.images.shape[1:3]
    return height if height == width else f"{height} × {width}"
