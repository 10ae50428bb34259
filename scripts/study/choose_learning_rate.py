"""Tries a few learning rates for a recipe, for a few epochs each, and writes the best into it.

The best is the one that names the most images right that are held out of the training split, or a
smaller one that chance alone may have put behind it; the validation split is not read. The
held-out images are measured as bilinear centre squares, where `train.py` resizes them as the
preset's converter does. Recipes that it is run for get the same rates and epochs, so that none is
tuned with more effort than another.
What was tried is kept beside the recipe, from where `train.py` takes it into the preset's record
and card. Rates that are there already are not tried again.
"""

import argparse
import dataclasses
import json
import math
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

from keras_resblocks_plugin.training._recipe import Recipe, read_recipe

RATES = (0.01, 0.03, 0.1, 0.15, 0.3)
# In the place of what a rate reached.
DIVERGED = "diverged"
_LINE = re.compile(r"(?m)^([ \t]*learning_rate) = .*$")


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/study/choose_learning_rate.py "
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
    """Tries what was not tried, keeps the results, sets the best rate."""
    recipe = read_recipe(args.recipe, epochs=args.epochs, warmup_epochs=min(1, args.epochs - 1))
    if len(_LINE.findall(args.recipe.read_text())) != 1:
        raise ValueError(f"The recipe {args.recipe} must have one line `learning_rate = …`.")

    import keras

    from keras_resblocks_plugin.training import _provenance
    from keras_resblocks_plugin.training.data import _data
    from keras_resblocks_plugin.training.data._classification_data import usable_rows
    from keras_resblocks_plugin.training.data._resizing import Square

    columns = (args.image_column, args.label_column)
    split = _data.open_split(args.data, "train", args.cache, *columns)
    file = record_file(args.recipe)
    settings = {
        "recipe": without_rate(recipe),
        "data": split.settings,
        "epochs": args.epochs,
        "backend": keras.config.backend(),
    }
    usable = usable_rows(split, args.skip_unreadable)
    if args.skip_unreadable:
        settings["unreadable_images_left_out"] = len(split) - len(usable)
    # Figures of another network, on other data or after other numbers of epochs do not compare.
    kept = _provenance.read_result(file, settings, f"Remove {file} to try the rates again.") or {}
    images = split.decode(Square(recipe.image_size), usable)
    rows, held_out = _data.hold_out(len(images.labels), recipe.holdout, seed=0)
    record = {
        "data": settings["data"]["name"],
        "epochs": args.epochs,
        "held_out_images": len(held_out),
    }
    top1 = kept.get("held_out_top1", {})
    for rate in args.rates:
        if f"{rate:g}" not in top1:
            keras.utils.set_random_seed(0)
            at_rate = dataclasses.replace(recipe, learning_rate=rate)
            top1[f"{rate:g}"] = accuracy(at_rate, images, rows, held_out)
            print(f"learning rate {rate:g}: {_in_words(top1[f'{rate:g}'])}", flush=True)
            keras.backend.clear_session()
        _provenance.write_result(file, record | {"held_out_top1": top1}, settings)
    best = choose(top1, len(held_out))
    record |= {"held_out_top1": top1, "chosen": best}
    _provenance.write_result(file, record, settings)
    args.recipe.write_text(_LINE.sub(rf"\1 = {best}", args.recipe.read_text()))
    print(f"Set learning_rate = {best} in {args.recipe}")


def choose(top1: dict[str, float | str], images: int) -> float:
    """The smallest rate that is within one standard error of the best.

    The rule is that of Breiman et al., 1984, "Classification and Regression Trees".
    Rates that a few epochs cannot tell apart are still told apart by a long training, and there the
    larger one does more harm.

    Args:
        top1: What was reached with each rate, or `DIVERGED`.
        images: On how many images.

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


def record_file(recipe: Path) -> Path:
    """Where the rates that were tried for a recipe are kept."""
    return recipe.with_suffix(".learning_rate.json")


def without_rate(recipe: Recipe) -> dict:
    """What the rates of a recipe were tried with: all of it but the rate and the epochs."""
    left_out = ("learning_rate", "epochs", "warmup_epochs")
    return {k: v for k, v in dataclasses.asdict(recipe).items() if k not in left_out}


def tried(file: Path, recipe: Recipe, data: str) -> str | None:
    """What was tried for a recipe on a dataset, in words.

    Args:
        file: The recipe's file.
        recipe: The recipe as it is now.
        data: The name of the dataset.

    Returns:
        The rates and what they reached, or `None` where they were tried for another recipe, on
        other data, or for one that nobody knows.
    """
    from keras_resblocks_plugin.training import _provenance

    file = record_file(file)
    record = json.loads(file.read_text()) if file.exists() else {}
    made_by = record.get(_provenance.MADE_BY, {}).get("recipe")
    if record.get("data") != data or made_by != _provenance.normalized(without_rate(recipe)):
        return None
    rates = ", ".join(
        f"{rate} {_in_words(reached)}" for rate, reached in record["held_out_top1"].items()
    )
    return f"top-1 on held-out images after {record['epochs']} epochs: {rates}"


def _in_words(reached: float | str) -> str:
    return reached if reached == DIVERGED else f"{reached:.1%}"


def accuracy(recipe, images, rows, held_out) -> float | str:
    """Trains from new; the share of held-out images named right, or `DIVERGED`."""
    from keras_resblocks_plugin.training import _divergence, _results, _training

    converter = _training.build_converter(images.images[rows[::50]], recipe.image_size)
    model = _training.build_classifier(recipe, images.class_names, converter, recipe.dtype)
    model.preprocessor = None
    steps = len(rows) // recipe.batch_size
    _training.compile_for(model, recipe, steps)
    try:
        _divergence.fit(
            model,
            _training.training_batches(images, rows, recipe, converter, seed=0),
            steps,
            recipe.epochs,
            verbose=2,
        )
        batches = _training.evaluation_batches(images, held_out, 250, converter)
        return _results.measure(model, batches)["top1"]
    except _divergence.Diverged as error:
        print(error)
        return DIVERGED


if __name__ == "__main__":
    _cli.run(main, parse_args())
