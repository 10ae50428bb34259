"""Tries a few learning rates for a recipe, for a few epochs each, and writes the best into it.

The best rate has the highest accuracy on images held out of the training split, or is a smaller one
that is within one standard error of it; the validation split is not read. The held-out images are
measured as bilinear center squares, while `train.py` resizes them as the preset's converter does.
All recipes get the same rates and epochs, so that none is tuned with more effort than another.
The accuracies are kept beside the recipe, from where `train.py` copies them into the preset's
record and card. Rates that have an accuracy already are not tried again.
"""

import argparse
import dataclasses
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import _cli

from keras_resblocks_plugin.training import Recipe, Schedule, read_recipe
from keras_resblocks_plugin.training._tried_rates import (
    DIVERGED,
    describe_accuracy,
    settings_without_rate,
    tried_rates_file,
)

if TYPE_CHECKING:
    import numpy as np

    from keras_resblocks_plugin.training.data._labelled_images import ImageSet


RATES = (0.01, 0.03, 0.1, 0.15, 0.3)
_LINE = re.compile(r"(?m)^([ \t]*learning_rate) = .*$")


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/choose_learning_rate.py "
        "scripts/recipes/resblock_act_small.toml --data path/to/images --cache runs/cache",
    )
    parser.add_argument("recipe", type=Path, help="the TOML file, which is changed")
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--cache", type=Path, required=True, help="a folder for decoded images")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="what to try")
    parser.add_argument("--epochs", type=int, default=2, help="of each, with one of warm-up")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Tries the rates that have no accuracy yet, keeps the results, sets the best rate."""
    schedule = Schedule(epochs=args.epochs, warmup_epochs=min(1, args.epochs - 1))
    recipe = dataclasses.replace(read_recipe(args.recipe), schedule=schedule)
    if len(_LINE.findall(args.recipe.read_text())) != 1:
        raise ValueError(f"The recipe {args.recipe} must have one line `learning_rate = …`.")

    import keras

    from keras_resblocks_plugin.training import _provenance
    from keras_resblocks_plugin.training.data._labelled_images import open_split
    from keras_resblocks_plugin.training.data._readable_rows import usable_rows
    from keras_resblocks_plugin.training.data._resizing import Square
    from keras_resblocks_plugin.training.data._row_choice import hold_out

    columns = (args.image_column, args.label_column)
    split = open_split(args.data, "train", args.cache, *columns)
    file = tried_rates_file(args.recipe)
    settings = {
        "recipe": settings_without_rate(recipe),
        "data": split.settings,
        "epochs": args.epochs,
        "backend": keras.config.backend(),
    }
    resize = Square(recipe.image_size)
    usable = usable_rows(split, args.skip_unreadable, resize)
    if args.skip_unreadable:
        settings["unreadable_images_left_out"] = len(split) - len(usable)
    # Figures of another network, on other data or after other numbers of epochs do not compare.
    kept = _provenance.read_result(file, settings, f"Remove {file} to try the rates again.") or {}
    images = split.decode(resize, usable)
    rows, held_out = hold_out(len(images.labels), recipe.holdout, seed=0)
    record = {
        "data": settings["data"]["name"],
        "epochs": args.epochs,
        "held_out_images": len(held_out),
    }
    top1 = kept.get("held_out_top1", {})
    for rate in args.rates:
        if f"{rate:g}" not in top1:
            keras.utils.set_random_seed(0)
            at_rate = dataclasses.replace(
                recipe, schedule=dataclasses.replace(schedule, learning_rate=rate)
            )
            top1[f"{rate:g}"] = accuracy(at_rate, images, rows, held_out)
            print(f"learning rate {rate:g}: {describe_accuracy(top1[f'{rate:g}'])}", flush=True)
            keras.backend.clear_session()
        _provenance.write_result(file, record | {"held_out_top1": top1}, settings)
    best = choose(top1, len(held_out))
    record |= {"held_out_top1": top1, "chosen": best}
    _provenance.write_result(file, record, settings)
    args.recipe.write_text(_LINE.sub(rf"\1 = {best}", args.recipe.read_text()))
    print(f"Set learning_rate = {best} in {args.recipe}")


def choose(top1: dict[str, float | str], images: int) -> float:
    """Chooses the smallest rate that is within one standard error of the best.

    This is the rule of Breiman et al., 1984, "Classification and Regression Trees". Where a few
    epochs cannot distinguish two rates, the larger one does more harm in a long training.

    Args:
        top1: The accuracy of each rate, or `DIVERGED`.
        images: The number of images that it was measured on.

    Raises:
        ValueError: If training diverged with every rate.
    """
    finite = {rate: reached for rate, reached in top1.items() if reached != DIVERGED}
    if not finite:
        raise ValueError(
            "`--rates` must have a learning rate with which training does not diverge. Received: "
            f"{', '.join(top1)}, which all diverged. The recipe is as it was; give smaller rates."
        )
    best = max(finite.values())
    error = math.sqrt(best * (1 - best) / images)
    return min(float(rate) for rate, reached in finite.items() if reached >= best - error)


def accuracy(recipe: Recipe, images: "ImageSet", rows: "np.ndarray", held_out: "np.ndarray"):
    """Trains from scratch; returns the top-1 accuracy on held-out images, or `DIVERGED`."""
    from keras_resblocks_plugin.training import _divergence
    from keras_resblocks_plugin.training._accuracy import measure
    from keras_resblocks_plugin.training._classifier import build_classifier, build_converter
    from keras_resblocks_plugin.training._optimizer import compile_classifier
    from keras_resblocks_plugin.training.data._input import evaluation_batches, training_batches

    converter = build_converter(images.images[rows[::50]], recipe.image_size)
    model = build_classifier(
        recipe.backbone, images.class_names, converter, recipe.dropout, recipe.dtype
    )
    model.preprocessor = None
    steps = len(rows) // recipe.batch_size
    compile_classifier(model, recipe.schedule, steps, recipe.optimizer, recipe.label_smoothing)
    batches = training_batches(
        images, rows, recipe.batch_size, recipe.augmentation, converter, seed=0
    )
    try:
        _divergence.fit(model, batches, steps, recipe.schedule.epochs, verbose=2)
        return measure(model, evaluation_batches(images, held_out, 250, converter))["top1"]
    except _divergence.Diverged as error:
        print(error)
        return DIVERGED


if __name__ == "__main__":
    _cli.run(main, parse_args())
