"""Writes presets/README.md: what the presets reach and cost, and what the studies found.

All numbers come from the presets' own records and from the files that `study.py`,
`compare_finetuning.py` and `benchmark.py` wrote; missing files are left out. With `--measure`, the
latency is measured now, alternately, so the machine should do nothing else.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

if TYPE_CHECKING:
    from keras_resblocks_plugin.saving._training_record import TrainingRecord


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/docs/report.py")
    parser.add_argument("--presets", type=Path, default=Path("presets"), help="their folder")
    parser.add_argument(
        "--study",
        type=Path,
        default=Path("scripts/study/study_results"),
        help="what study.py wrote",
    )
    parser.add_argument(
        "--finetuning",
        type=Path,
        nargs="*",
        default=[Path(f"scripts/study/finetuning{name}.json") for name in ("", "_base")],
        help="what compare_finetuning.py wrote, of several presets",
    )
    parser.add_argument(
        "--benchmark",
        type=Path,
        default=Path("scripts/benchmark/benchmark.json"),
        help="what benchmark.py wrote",
    )
    parser.add_argument(
        "--latency",
        type=Path,
        default=Path("scripts/docs/latency.json"),
        help="the latency that --measure keeps",
    )
    parser.add_argument("--measure", type=int, metavar="RUNS", help="timed passes of each preset")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Reads, measures, writes."""
    import _records
    import _report_plots
    from study import read_results

    from keras_resblocks_plugin._utils import _jsonfile

    presets = read_presets(args.presets)
    if not presets:
        raise ValueError(f"{args.presets} must have preset folders with a training.json.")
    if args.measure:
        measured = measure_latency({name: args.presets / name for name in presets}, args.measure)
        _jsonfile.write_json(args.latency, measured)
    latency = json.loads(args.latency.read_text())
    on_all = _records.comparable(presets.values())
    _report_plots.plot_presets(presets, latency["seconds"], on_all, args.presets / "presets.png")
    parts = ["# The presets", presets_section(presets, latency, on_all)]
    parts += claims_section(read_results(args.study) if args.study.is_dir() else {})
    finetuning = [json.loads(file.read_text()) for file in args.finetuning if file.exists()]
    if finetuning:
        parts += finetuning_part(finetuning, args.presets)
    if args.benchmark.exists():
        parts += benchmark_part(json.loads(args.benchmark.read_text()), args.presets)
    (args.presets / "README.md").write_text("\n\n".join(parts) + "\n")
    print(f"Wrote {args.presets / 'README.md'}")


def read_presets(folder: Path) -> dict[str, "TrainingRecord"]:
    """The records of all presets in a folder, by name."""
    from _records import read_record

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.diagnostics import multiply_adds

    presets = {}
    for file in sorted(folder.glob("*/training.json")):
        record = read_record(file.parent)
        backbone = krp.ResBlockBackbone.from_preset(str(file.parent), load_weights=False)
        record.more["parameters"] = backbone.count_params()
        record.multiply_adds = multiply_adds(backbone, record.recipe["image_size"])
        presets[file.parent.name] = record
    return presets


def measure_latency(folders: dict[str, Path], runs: int) -> dict:
    """The `hardware`, and the `seconds` of compiled passes of one image, presets alternately."""
    import keras
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils import _timing
    from keras_resblocks_plugin.training._hardware import hardware

    # On a CPU, TensorFlow's own kernels are faster than XLA's.
    jit_compile = False if keras.backend.backend() == "tensorflow" else "auto"
    passes = {}
    for name, folder in folders.items():
        model = krp.ResBlockImageClassifier.from_preset(str(folder))
        side = model.preprocessor.image_converter.image_size[0]
        model.preprocessor = None
        model.compile(jit_compile=jit_compile)
        image = np.zeros((1, side, side, 3), "float32")
        passes[name] = lambda model=model, image=image: model.predict_on_batch(image)
    return {"hardware": hardware(), "seconds": _timing.alternate(passes, runs)}


def presets_section(presets: dict[str, "TrainingRecord"], latency: dict, on_all: str) -> str:
    """The table, how to read it, and the plots.

    Args:
        presets: The records by name.
        latency: What `measure_latency` returned.
        on_all: The dataset that all were measured on.
    """
    from _records import accuracy_columns, measurements

    from keras_resblocks_plugin._utils import _markdown

    shared = {name: measurements(record)[on_all] for name, record in presets.items()}
    header, accuracy = accuracy_columns(presets)
    rows = [
        [
            f"[`{name}`]({name})",
            f"{presets[name].more['parameters'] / 1e6:.2f} M",
            f"{presets[name].multiply_adds / 1e6:.1f} M",
            str(len(presets[name].whole_history)),
            *accuracy[name],
            f"{1000 * statistics.median(latency['seconds'][name]):.1f} ms",
        ]
        for name in sorted(presets, key=lambda name: -shared[name]["top1"])
    ]
    header = ["preset", "parameters", "multiply-adds", "epochs", *header, "one image"]
    runs, of_all = len(next(iter(latency["seconds"].values()))), next(iter(shared.values()))
    others = " and ".join(f"`{name}`" for name, record in presets.items() if record.made_by)
    notes = [f"`{name}`: {record.note}." for name, record in presets.items() if record.note]
    alone = [f"`{name}`" for name, x in presets.items() if not x.learning_rates_tried]
    untried = f" (none are recorded for {' and '.join(alone)})" if alone else ""
    rest = f"nothing about {others}, and of the others " if others else ""
    made = f" No script of this repository made {others}; their cards say what did."
    return "\n\n".join(
        [
            _markdown.table(header, rows),
            "Parameters and multiply-adds are of the backbone. Epochs include those of the run "
            "that a preset started from; presets with different epochs are not comparable. "
            "Accuracy is measured on validation images: of a preset's own classes, and of the "
            f"{of_all['classes']} of {on_all} ({of_all['images']:,} images), among which a preset "
            f"of more classes takes the likeliest. These images decided {rest}only "
            "whether to store weights in half precision, which must not move accuracy by more "
            f"than 0.1 points{', and what the notes below say' if notes else ''}."
            + (made if others else ""),
            f"The time is the median of {runs} forward passes of one image, with the presets "
            f"taking turns, on {latency['hardware']}. Each preset's folder has its recipe, its "
            f"learning curve and the learning rates that were tried{untried}.",
            *notes,
            "![Accuracy over epochs, against size and compute, and latency](presets.png)",
        ]
    )


def claims_section(results: dict) -> list[str]:
    """The study, as far as it has run."""
    from _study_report import study_introduction, study_sections

    sections = study_sections(results)
    if not sections:
        return []
    return ["## The tutorial's claims", study_introduction(results), *sections]


def finetuning_part(results: list[dict], folder: Path) -> list[str]:
    """The comparison of the strategies of fine-tuning, with its plot, and probes of others."""
    from _finetuning_report import finetuning_section, other_preset
    from _report_plots import save_small

    text, figure = finetuning_section(results[0])
    save_small(figure, folder / "finetuning.png")
    picture = "![Accuracy by images a class](finetuning.png)"
    return ["## Fine-tuning", text, *map(other_preset, results[1:]), picture]


def benchmark_part(measured: dict, folder: Path) -> list[str]:
    """Speed and memory beside KerasHub's ResNet, with their plot."""
    import _benchmark_report
    from _report_plots import save_small

    save_small(_benchmark_report.picture(measured), folder / "benchmark.png")
    return [
        "## Beside KerasHub's ResNet",
        _benchmark_report.markdown(measured),
        "![Loading by depth, and forward passes](benchmark.png)",
    ]


if __name__ == "__main__":
    _cli.run(main, parse_args())
