"""Measures the accuracy of a preset on a split of a dataset."""

import argparse
from pathlib import Path

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/evaluate.py resblock_bn_small --data path/to/images "
        "--cache runs/cache",
    )
    parser.add_argument("preset", help="a name, a folder, or hf://user/name")
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    parser.add_argument("--split", default="validation", help="the split to measure on")
    parser.add_argument("--cache", type=Path, required=True, help="a folder for decoded images")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--batch-size", type=int, default=250, help="images a step")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Loads, checks that the classes are the same, measures, prints JSON."""
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils._jsonfile import to_json
    from keras_resblocks_plugin.training import _results, _training
    from keras_resblocks_plugin.training.data import _classes, _data
    from keras_resblocks_plugin.training.data._classification_data import usable_rows
    from keras_resblocks_plugin.training.data._resizing import Converted, normalizer

    model = krp.ResBlockImageClassifier.from_preset(args.preset, compile=False)
    converter = model.preprocessor.image_converter
    columns = args.image_column, args.label_column
    split = _data.open_split(args.data, args.split, args.cache, *columns)
    what, owner = f"The split {args.split!r} of {args.data!r}", f"the preset {args.preset!r}"
    split = _classes.read_by(split, model.class_names or [], what, owner)
    usable = usable_rows(split, args.skip_unreadable)
    images = split.decode(Converted(converter), usable)
    model.preprocessor = None
    rows = np.arange(len(images.labels))
    batches = _training.evaluation_batches(images, rows, args.batch_size, normalizer(converter))
    results = _results.measure(model, batches)
    record = {"preset": args.preset, "split": args.split, "images": len(rows)}
    if args.skip_unreadable:
        record["unreadable_images_left_out"] = len(split) - len(rows)
    print(to_json({**record, **results}))


if __name__ == "__main__":
    _cli.run(main, parse_args())
