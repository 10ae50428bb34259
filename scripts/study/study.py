"""Measures the tutorial's claims about its five methods on small nets, claim by claim.

20 classes of the data at 32×32 pixels, three seeds, one short schedule. Every net takes the best
of the same few learning rates, chosen with the first seed on images held out of the training
split; the reported accuracies are those on the validation split. The nets learn from and are
measured on bilinear center squares, as no preset is saved whose converter could resize the images.
Each finished run is a small JSON file, which `report.py` reads; a killed study resumes after the
last of them. At the end it times the nets alternately, on a machine that does nothing else.
"""

import argparse
import dataclasses
import itertools
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

CLASSES, IMAGE_SIZE, HELD_OUT = 20, 32, 0.1
EPOCHS, BATCH_SIZE = 10, 128
_TIMING = "timing.json"


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/study/study.py --data path/to/images --cache runs/cache",
    )
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--cache", type=Path, required=True, help="a folder for decoded images")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("scripts/study/study_results"),
        help="the folder of the JSON",
    )
    parser.add_argument("--runs", type=int, help="stop after so many; all if not set")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Runs the missing runs, then times the nets."""
    import _study_nets
    import _study_runs
    import keras

    from keras_resblocks_plugin.training import _provenance
    from keras_resblocks_plugin.training.data import _classes
    from keras_resblocks_plugin.training.data._readable_rows import usable_rows
    from keras_resblocks_plugin.training.data._resizing import Square

    columns = (args.image_column, args.label_column)
    splits = _classes.open_pair(args.data, "train", "validation", args.cache, *columns)
    resize = Square(IMAGE_SIZE)
    rows = [usable_rows(split, args.skip_unreadable, resize) for split in splits]
    images = (split.decode(resize, which) for split, which in zip(splits, rows, strict=True))
    data = _study_runs.StudyData(*images, CLASSES, HELD_OUT)
    args.out.mkdir(parents=True, exist_ok=True)
    study = {
        **{"data": Path(args.data).name, "classes": CLASSES, "image_size": IMAGE_SIZE},
        **{"epochs": EPOCHS, "batch_size": BATCH_SIZE, "train_images": len(data.train_rows)},
        "held_out_images": len(data.held_out_rows),
        "validation_images": len(data.validation_rows),
    }
    if args.skip_unreadable:
        study["unreadable_images_left_out"] = sum(map(len, splits)) - sum(map(len, rows))
    settings = {
        **study,
        "splits": {split.name: split.settings for split in splits},
        "backend": keras.config.backend(),
    }
    file, way_out = args.out / "study.json", "Give another --out, or remove the folder."
    if _provenance.read_result(file, settings, way_out) is None:
        if any(args.out.glob("*.json")):
            _provenance.check(None, settings, str(args.out), way_out)
        _provenance.write_result(file, study, settings)
    for kept, results in read_results(args.out).items():
        if kept != file.name:
            _provenance.check(
                results.get(_provenance.MADE_BY), made_by(kept, results), kept, way_out
            )
    missing = iter(lambda: _study_nets.next_run(read_results(args.out)), None)
    for run in itertools.islice(missing, args.runs):
        result = _study_runs.train(run, data, EPOCHS, BATCH_SIZE)
        _provenance.write_result(args.out / run.file, result, made_by(run.file, result))
        print(f"{run.file}: {result['validation_top1']:.3f} in {result['seconds']} s", flush=True)
        keras.backend.clear_session()
    timing = args.out / _TIMING
    if next(missing, None) is None and not timing.exists():
        times = _study_runs.time_nets(BATCH_SIZE)
        _provenance.write_result(timing, times, made_by(timing.name, times))


def made_by(file: str, result: dict) -> dict:
    """The settings of a result besides those of the study: the current definition of its net.

    Args:
        file: The name of the result's file.
        result: The result of a run.
    """
    from _study_nets import NETS
    from _study_runs import TIMED

    names = TIMED if file == _TIMING else [result["net"]]
    return {name: dataclasses.asdict(NETS[name]) for name in names if name in NETS}


def read_results(folder: Path) -> dict[str, dict]:
    """The result of each finished run, by its file."""
    return {file.name: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


if __name__ == "__main__":
    _cli.run(main, parse_args())
