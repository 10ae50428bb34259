"""Exports a preset's classifier, and compares each file, in its own runtime, with Keras."""

import argparse
import importlib.metadata
from pathlib import Path

import _cli

from keras_resblocks_plugin.export import _export


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/export.py resblock_bn_small --out exported "
        "--data path/to/images --cache cache --with-preprocessing",
    )
    parser.add_argument("preset", help="a name, a folder, or hf://user/name")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument(
        "--formats", nargs="+", choices=_export.FORMATS, help="what to write; by default all"
    )
    parser.add_argument(
        "--with-preprocessing",
        action="store_true",
        help="put the normalization into the files, so that they take images of 0 to 255",
    )
    parser.add_argument(
        "--data", help="a folder or Hub id for `load_dataset`; without it, the preset's samples"
    )
    parser.add_argument("--split", default="validation", help="the split to compare on")
    parser.add_argument("--calibration-split", default="train", help="the split for litert-int8")
    parser.add_argument(
        "--calibration-images", type=int, default=500, help="how many of it, drawn at random"
    )
    parser.add_argument("--cache", type=Path, help="a folder for decoded images, with --data")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--runs", type=int, default=50, help="timed runs of each; 0 for none")
    parser.add_argument("--readme", type=Path, help="a Markdown file whose section to replace")
    args = parser.parse_args()
    if args.data and not args.cache:
        parser.error("--data needs --cache, a folder for decoded images")
    return args


def main(args: argparse.Namespace) -> None:
    """Folds, writes, compares; prints the table and leaves `export.json` beside the files."""
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils import _jsonfile, _markdown
    from keras_resblocks_plugin.export import _export_measure
    from keras_resblocks_plugin.training._hardware import hardware
    from keras_resblocks_plugin.training.data._resizing import Converted, normalizer

    # The formats' own precision; a preset in half precision becomes float32.
    model = krp.ResBlockImageClassifier.from_preset(args.preset, compile=False, dtype="float32")
    converter = getattr(model.preprocessor, "image_converter", None)
    size = getattr(converter, "image_size", None)
    if size is None or size[0] != size[1]:
        raise ValueError(
            f"{args.preset!r} must have an image converter with a square `image_size`, for which "
            f"to export. Received: {type(converter).__name__} of image_size={size}"
        )
    image_size = size[0]
    calibration = None
    if args.data:
        validation, calibration = _read(args, model, Converted(converter))
        images, labels, data = validation.images, validation.labels, f"{args.split} split"
    else:
        images, labels, data = (
            _export_measure.sample_images(args.preset, Converted(converter)),
            None,
            "samples",
        )

    normalize = normalizer(converter)

    def prepare(images: np.ndarray) -> np.ndarray:
        images = np.asarray(images, "float32")
        return images if args.with_preprocessing else np.asarray(normalize(images))

    normalization = converter if args.with_preprocessing else None
    plain = _export.with_fixed_input(model, image_size, normalization)
    runners = {"Keras": plain.predict_on_batch}
    try:
        folded = _export.with_fixed_input(krp.fold_batch_norm(model), image_size, normalization)
        runners["Keras, folded"] = folded.predict_on_batch
    except ValueError as error:
        print(f"Exported as it is, not folded: {error}")
        folded = plain
    files = {}
    for name in args.formats or _export.FORMATS:
        missing = _export.missing_modules(name)
        if missing:
            print(f"Left out: {name} needs {' and '.join(missing)} (the `export` extra).")
        elif name == "litert-int8" and calibration is None:
            print(f"Left out: {name} needs --data, whose training images calibrate it.")
        else:
            print(f"Writing {name} …")
            inputs = prepare(calibration) if name == "litert-int8" else None
            files[name] = _export.write(folded, name, args.out / "model", inputs)
            runners[name] = _export.runner(name, files[name])
    if not files:
        raise ValueError("Nothing was exported: every format was left out.")

    results = _export_measure.measure(runners, images, labels, prepare, args.runs)
    for name, file in files.items():
        results[name] |= {"file": file.name, "bytes": _export.size_in_bytes(file)}
    record = {
        "preset": args.preset,
        "image_size": image_size,
        "preprocessing": args.with_preprocessing,
        "folded": folded is not plain,
        "data": {"name": data, "images": len(images)},
        "calibration_images": 0 if calibration is None else len(calibration),
        "hardware": hardware(),
        "software": _versions(files),
        "runs": args.runs,
        "results": results,
    }
    _jsonfile.write_json(args.out / "export.json", record)
    text = _export_measure.report(record)
    print(text)
    if args.readme:
        _markdown.replace_section(args.readme, "export", text)


def _read(args: argparse.Namespace, model, resize):
    """The images to compare on, and some training images to calibrate with."""
    import numpy as np

    from keras_resblocks_plugin.training.data import _classes
    from keras_resblocks_plugin.training.data._labelled_images import open_split
    from keras_resblocks_plugin.training.data._readable_rows import usable_rows

    columns = (args.cache, args.image_column, args.label_column)
    split = open_split(args.data, args.split, *columns)
    what, owner = f"The split {args.split!r} of {args.data!r}", f"the preset {args.preset!r}"
    split = _classes.read_by(split, model.class_names or [], what, owner)
    training = open_split(args.data, args.calibration_split, *columns)
    usable, rows = (usable_rows(part, args.skip_unreadable) for part in (training, split))
    chosen = np.sort(np.random.default_rng(0).permutation(usable)[: args.calibration_images])
    return split.decode(resize, rows), training.decode(resize, chosen).images


def _versions(files: dict[str, Path]) -> dict[str, str]:
    modules = {"keras", "tensorflow", *(x for name in files for x in _export.FORMATS[name].modules)}
    return {module: importlib.metadata.version(module) for module in sorted(modules)}


if __name__ == "__main__":
    _cli.run(main, parse_args())
