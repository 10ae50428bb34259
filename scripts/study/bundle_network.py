"""Bundles a network that a script outside of this repository trained: preset, record, curve, card.

`WEIGHTS.npz` has the variables by path, with kernels in bfloat16 stored as uint16. A JSON file
beside it has the arguments of the run, its epochs and results, and the statistics of the pixels.
`made_by.toml` says in words how the script works. Validation images are measured on here.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

MADE_BY = tomllib.loads(Path(__file__).with_name("made_by.toml").read_text(encoding="utf-8"))
DATA_LICENSE = "ImageNet's images are for non-commercial research and education only"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument("weights", type=Path, help="the NPZ file")
    parser.add_argument("preset", type=Path, help="the folder to write")
    parser.add_argument("--classes", type=Path, required=True, help="JSON with the class `names`")
    parser.add_argument("--recipe", type=Path, required=True, help="the nearest recipe")
    parser.add_argument("--data", required=True, help="the dataset that it was trained on")
    parser.add_argument("--also", nargs="*", default=[], help="other datasets to measure on")
    parser.add_argument("--replaces", help="the version of the weights that the folder has so far")
    parser.add_argument("--note", help="a remark for the card")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Saves the network, measures it, and writes its record."""
    from keras_resblocks_plugin.diagnostics import multiply_adds
    from keras_resblocks_plugin.saving._training_record import TrainingRecord
    from keras_resblocks_plugin.training._recipe import read_recipe
    from keras_resblocks_plugin.training._save_results import save_results

    run = json.loads(args.weights.with_suffix(".json").read_text())
    recipe = read_recipe(args.recipe)
    if recipe.backbone != run["net"]:
        raise ValueError(f"{args.recipe} must be of the network {run['net']}.")
    classifier = load(args.weights, run, json.loads(args.classes.read_text())["names"])
    earlier = earlier_weights(args.preset, args.replaces)
    classifier.save_to_preset(str(args.preset), dtype="bfloat16")
    own, *others = (measure(str(args.preset), data) for data in (args.data, *args.also))
    train, held, _ = run["images"]
    held_out = dict(zip(("top1", "top5"), run["results"][run["taken"]]["held_out"], strict=True))
    record = TrainingRecord(
        license="other",
        stored_as="bfloat16",
        multiply_adds=multiply_adds(classifier.backbone, recipe.image_size),
        made_by=made_by(run),
        recipe=recipe.to_dict(),
        differs_from_recipe=MADE_BY["differs_from_recipe"],
        data={
            **{"name": own["name"], "license": DATA_LICENSE, "classes": own["classes"]},
            **{"train_images": train, "held_out_images": held, "validation_images": own["images"]},
        },
        results={f"held_out_{key}": round(value, 4) for key, value in held_out.items()}
        | {f"validation_{key}": own[key] for key in held_out},
        measured_on=others,
        earlier_weights=earlier,
        seed=run["args"]["seed"],
        epochs=len(run["history"]),
        seconds=round(sum(epoch["seconds"] for epoch in run["history"])),
        hardware=MADE_BY["hardware"],
        software={"keras": run["keras"], "backend": f"jax {run['jax']}"},
        note=args.note,
        history=[log(epoch, run["taken"]) for epoch in run["history"]],
    )
    save_results(args.preset, record)


def load(file: Path, run: dict, class_names: list[str]):
    """The classifier with the weights of a file; it scales pixels as in training."""
    import ml_dtypes
    import numpy as np

    from keras_resblocks_plugin.training._classifier import build_classifier, new_converter

    mean, std = np.array(run["mean"]), np.array(run["std"])
    scaling = {"scale": 1 / std, "offset": -mean / std}
    rounded = {key: [round(float(x), 8) for x in values] for key, values in scaling.items()}
    converter = new_converter(64, **rounded)
    classifier = build_classifier(run["net"], class_names, converter, 0.0, "float32")
    variables = {variable.path: variable for variable in classifier.weights}
    with np.load(file) as arrays:
        if variables.keys() != set(arrays):
            raise ValueError(f"{file} has other variables: {set(variables) ^ set(arrays)}")
        for path, array in arrays.items():
            values = array.view(ml_dtypes.bfloat16) if array.dtype == np.uint16 else array
            variables[path].assign(values.astype("float32"))
    return classifier


def measure(preset: str, data: str) -> dict:
    """The accuracy on the validation images of a dataset."""
    from keras_resblocks_plugin.training import EvaluateConfig, evaluate

    figures = evaluate(EvaluateConfig(preset=preset, data=data))
    kept = {key: figures[key] for key in ("classes", "images", "top1", "top5")}
    return {"name": Path(data).name, "split": "validation", **kept}


def earlier_weights(folder: Path, version: str | None) -> list[dict] | None:
    """The figures of the weights that are replaced, after those of weights before them."""
    from keras_resblocks_plugin.saving._training_record import TrainingRecord
    from keras_resblocks_plugin.training._runs import weights_digest

    record = TrainingRecord.read(folder) if (folder / "training.json").exists() else None
    if record is None or version is None:
        return record and record.earlier_weights
    replaced = {
        **{"version": version, "weights": weights_digest(folder)},
        **{"data": record.data["name"], "epochs": len(record.whole_history), **record.results},
    }
    return [*(record.earlier_weights or []), replaced]


def made_by(run: dict) -> dict[str, str]:
    """How the weights were made: the words, and what is of this run."""
    arguments = {k: v for k, v in run["args"].items() if k not in ("name", "out") and v is not None}
    names = {"ema": "averaged", "last": "last"}
    chosen = ", ".join(
        f"{names[key]} {figures['held_out'][0]:.4f}" for key, figures in run["results"].items()
    )
    return {
        **MADE_BY["made_by"],
        "arguments": ", ".join(f"{key} {value}" for key, value in arguments.items()),
        "choice": f"{MADE_BY['made_by']['choice']} ({chosen}): {names[run['taken']]}",
        "bundled by": "`scripts/study/bundle_network.py`",
    }


def log(epoch: dict, taken: str) -> dict[str, float]:
    """The log of an epoch, as records have it."""
    held_out = {"ema": "held_out_ema", "last": "held_out"}[taken]
    names = {"epoch": "epoch", "loss": "loss", held_out: "val_accuracy", "lr": "learning_rate"}
    values = {new: epoch[old] for old, new in names.items() if old in epoch}
    return {key: round(value, 7) for key, value in (values | {"seconds": epoch["seconds"]}).items()}


if __name__ == "__main__":
    _cli.run(main, parse_args())
