"""Measures the tutorial's claims about its five methods on small nets, claim by claim.

20 classes of the data at 32×32 pixels, three seeds, one short schedule. Every net takes the best of
the same few learning rates, chosen with the first seed on images held out of the training split;
what is reported comes from the validation split. Each finished run is a small JSON file: a study
that is killed goes on behind the last of them, and `report.py` reads them. At the end, on a
machine that does nothing else, it times the nets in turns.
"""

import argparse
import itertools
import json
from pathlib import Path

import _cli

CLASSES, IMAGE_SIZE, HELD_OUT = 20, 32, 0.1
EPOCHS, BATCH_SIZE = 10, 128


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__, epilog="example: python scripts/study.py --data path/to/images --cache runs/cache"
    )
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    _cli.add_columns(parser)
    parser.add_argument("--cache", type=Path, required=True, help="a folder for decoded images")
    parser.add_argument(
        "--out", type=Path, default=Path("scripts/study_results"), help="the folder of the JSON"
    )
    parser.add_argument("--runs", type=int, help="stop after so many; all if not set")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Runs what is missing, then times."""
    import _data
    import _study_nets
    import _study_runs
    import keras

    splits = (
        _data.load_images(
            args.data, split, IMAGE_SIZE, args.cache, args.image_column, args.label_column
        )
        for split in ("train", "validation")
    )
    data = _study_runs.StudyData(*splits, CLASSES, HELD_OUT)
    args.out.mkdir(parents=True, exist_ok=True)
    check_same_study(
        args.out / "study.json",
        {
            **{"data": Path(args.data).name, "classes": CLASSES, "image_size": IMAGE_SIZE},
            **{"epochs": EPOCHS, "batch_size": BATCH_SIZE, "train_images": len(data.train_rows)},
            "held_out_images": len(data.held_out_rows),
            "validation_images": len(data.validation_rows),
        },
    )
    missing = iter(lambda: _study_nets.next_run(read_results(args.out)), None)
    for run in itertools.islice(missing, args.runs):
        result = _study_runs.train(run, data, EPOCHS, BATCH_SIZE)
        _data.write_json(args.out / run.file, result)
        print(f"{run.file}: {result['validation_top1']:.3f} in {result['seconds']} s", flush=True)
        keras.backend.clear_session()
    if next(missing, None) is None and not (args.out / "timing.json").exists():
        _data.write_json(args.out / "timing.json", _study_runs.time_nets(BATCH_SIZE))


def check_same_study(file: Path, study: dict) -> None:
    """Writes down what the runs of a folder learn from, or compares with what is written there.

    Raises:
        ValueError: If the folder has runs on other data, or with another schedule.
    """
    import _data

    if not file.exists():
        _data.write_json(file, study)
    there = json.loads(file.read_text())
    if there != study:
        raise ValueError(
            f"`--out` must be empty or have runs of the same study. Received: {file.parent}, with "
            f"runs of {there}, for {study}. Name another folder."
        )


def read_results(folder: Path) -> dict[str, dict]:
    """What each finished run found, by its file."""
    return {file.name: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


if __name__ == "__main__":
    _cli.run(main, parse_args())
