"""Trains a classifier by a recipe, and saves it as a preset with its results and card.

Killed and started again with the same arguments, it goes on where it was; started
again when it is done, it measures and saves again.
"""

import argparse
import json
import sys
from pathlib import Path

import _cli

from keras_resblocks_plugin.training import _distribution


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/train.py scripts/recipes/resblock_bn_small.toml "
        "--data path/to/images --out runs/my_resblock",
    )
    parser.add_argument("recipe", type=Path, help="a TOML file, see scripts/recipes")
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the run")
    parser.add_argument("--preset", type=Path, help="where the preset goes; OUT/preset if not set")
    parser.add_argument("--start", help="a preset whose weights to start from, head included")
    parser.add_argument("--validation-split", default="validation", help="the split reported on")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--license", default="other", help="for the card: that of the weights")
    parser.add_argument("--data-license", default="", help="for the card: the licence of the data")
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="store the weights in half the size if no accuracy moves by more than 0.1 points",
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and held-out rows")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument(
        "--dtype", choices=("float32", "mixed_bfloat16"), help="in place of the recipe's"
    )
    _distribution.add_arguments(parser)
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Trains, chooses nothing by the validation split, reports on it, saves."""
    from keras_resblocks_plugin.training._recipe import read_recipe

    # Before the slow imports, so that a typing error is found at once.
    recipe = read_recipe(args.recipe, epochs=args.epochs, dtype=args.dtype)

    from dataclasses import asdict

    import keras

    from keras_resblocks_plugin.training import _runs, _training
    from keras_resblocks_plugin.training.data import _classes, _data
    from keras_resblocks_plugin.training.data._classification_data import (
        usable_rows,
        warn_of_empty_classes,
    )
    from keras_resblocks_plugin.training.data._resizing import Converted, Square

    check_places(args)
    args.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(args.seed)
    _distribution.start(args, recipe.batch_size)
    train, validation = _classes.open_pair(
        *(args.data, "train", args.validation_split, args.out / "cache"),
        *(args.image_column, args.label_column),
    )
    which, measured = (usable_rows(split, args.skip_unreadable) for split in (train, validation))
    left_out = len(train) + len(validation) - len(which) - len(measured)
    rows, held_out = (
        which[chosen] for chosen in _data.hold_out(len(which), recipe.holdout, args.seed)
    )
    warn_of_empty_classes(train, rows)
    if len(rows) < recipe.batch_size:
        raise ValueError(
            "`batch_size` must be at most the number of training images, "
            f"{len(rows)}. Received: batch_size={recipe.batch_size}"
        )
    settings = {
        "task": "train",
        "recipe": asdict(recipe),
        "seed": args.seed,
        "skip_unreadable": args.skip_unreadable,
        "data": {"train": train.settings, "validation": validation.settings},
        "start": _runs.start_settings(args.start) if args.start else None,
    }
    _runs.claim(args.out, settings)
    images = train.decode(Square(recipe.image_size), _distribution.share(rows))
    process, processes = _distribution.place()
    # Of all images, every 50th.
    sample = [
        image for row, image in enumerate(images.images) if (row * processes + process) % 50 == 0
    ]
    converter = _training.build_converter(sample, recipe.image_size)
    # What is measured is resized as the preset will resize it.
    resize, watched, unseen = Converted(converter), None, {}
    if len(held_out):
        watched = train.decode(resize, _distribution.share(held_out, equal=False))
    if _distribution.is_first():
        if len(held_out):
            unseen["held_out"] = train.decode(resize, held_out)
        unseen["validation"] = validation.decode(resize, measured)
    preset = fit(recipe, images, watched, converter, args)
    if preset is not None:
        counts = {"train_images": len(rows), "held_out_images": 0}
        counts |= {"unreadable_images_left_out": left_out} if left_out else {}
        report(preset, recipe, counts, unseen, args)


def check_places(args: argparse.Namespace) -> None:
    """Checks that the run does not replace what it starts from.

    Raises:
        ValueError: If it would: killed while it saves, it could not be started again.
    """
    folder = args.preset or args.out / "preset"
    if args.start and Path(args.start).is_dir() and Path(args.start).resolve() == folder.resolve():
        raise ValueError(
            "--start must be another folder than the one that the preset is saved to, or the run "
            f"could not be started again. Name another by --preset. Received: {args.start}"
        )


def fit(recipe, images, watched, converter, args):
    """Trains or goes on training; returns the classifier in float32, in the first process."""
    import numpy as np
    from tqdm import trange

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training import _callbacks, _divergence, _runs, _training
    from keras_resblocks_plugin.training.data._resizing import normalizer

    rows = np.arange(len(images.labels))
    process, processes = _distribution.place()
    model = _training.build_classifier(recipe, images.class_names, converter, recipe.dtype)
    # The batches are converted already, on the way from the cache.
    model.preprocessor = None
    if args.start:
        start = krp.ResBlockImageClassifier.from_preset(args.start)
        model.set_weights(start.get_weights())
    batches = _training.training_batches(images, rows, recipe, converter, args.seed)
    steps_per_epoch = len(rows) * processes // recipe.batch_size
    _training.compile_for(model, recipe, steps_per_epoch)
    if watched is not None:
        rows = np.arange(len(watched.labels))
        watched = _training.evaluation_batches(
            watched, rows, recipe.batch_size, normalizer(converter)
        )
    _divergence.fit(
        model,
        batches,
        steps_per_epoch,
        recipe.epochs,
        validation_data=watched,
        callbacks=[
            _callbacks.History(args.out / _runs.HISTORY),
            _callbacks.Backup(args.out / _runs.BACKUP, steps_per_epoch),
        ],
        verbose=(1 if sys.stdout.isatty() else 2) if process == 0 else 0,
    )
    weights = model.get_weights()
    if not _distribution.finish():
        return None
    preset = _training.build_classifier(recipe, images.class_names, converter, "float32")
    preset.set_weights(weights)
    if recipe.ema_momentum:
        progress = trange(min(200, steps_per_epoch), desc="Recomputing batch-norm statistics")
        _training.recompute_batch_norm(preset.backbone, batches, progress)
    return preset


def report(preset, recipe, counts, unseen, args) -> None:
    """Measures the preset on images that it has not seen, then saves it with what it reaches."""
    from dataclasses import asdict

    import numpy as np
    from choose_learning_rate import tried

    from keras_resblocks_plugin.diagnostics import multiply_adds
    from keras_resblocks_plugin.training import _callbacks, _results, _runs, _storage, _training
    from keras_resblocks_plugin.training.data._resizing import normalizer

    preprocessor, preset.preprocessor = preset.preprocessor, None
    normalize = normalizer(preprocessor.image_converter)

    def measure():
        results = {}
        for name, images in unseen.items():
            rows = np.arange(len(images.labels))
            batches = _training.evaluation_batches(images, rows, 250, normalize)
            for metric, value in _results.measure(preset, batches).items():
                results[f"{name}_{metric}"] = value
        return results

    # First, so that nothing which cannot be measured is saved in place of a good preset.
    results, stored = measure(), "float32"
    folder = args.preset or args.out / "preset"
    preset.preprocessor = preprocessor
    preset.save_to_preset(str(folder))
    preset.preprocessor = None
    if args.bfloat16:
        rounded = _storage.store_as_bfloat16(preset.backbone, folder, results, measure)
        if rounded is not None:
            results, stored = rounded, "bfloat16"
    counts |= {f"{name}_images": len(images.labels) for name, images in unseen.items()}
    data = {"name": Path(args.data).name, "license": args.data_license, **counts}
    history = _callbacks.read_history(args.out / _runs.HISTORY)
    record = {
        "license": args.license,
        "start": _start_record(args.start),
        "stored_as": stored,
        "multiply_adds": multiply_adds(preset.backbone, recipe.image_size),
        "learning_rates_tried": tried(args.recipe, recipe, data["name"]),
        **_results.training_record(asdict(recipe), data, results, history, args.seed),
    }
    _results.save_record(folder, record)
    print(f"Saved {folder}: " + ", ".join(f"{k} {v:.4f}" for k, v in results.items()))


def _start_record(start: str | None) -> dict | None:
    """How the weights that the run started from were trained, where that is known."""
    if start is None:
        return None
    import keras_resblocks_plugin as krp

    known = krp.list_presets().get(start)
    file = Path(known["handle"] if known else start) / "training.json"
    return json.loads(file.read_text()) if file.is_file() else {"preset": start}


if __name__ == "__main__":
    _cli.run(main, parse_args())
