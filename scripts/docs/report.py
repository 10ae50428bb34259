"""Writes presets/README.md: what the presets reach and cost, and what the studies found.

All numbers come from the presets' own records and from the files that `study.py`,
`compare_finetuning.py` and `benchmark.py` wrote; missing files are left out. The latency
is measured now, alternately, so the machine should do nothing else.
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


def parse_args() -> argparse.Namespace:
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
        default=Path("scripts/study/finetuning.json"),
        help="what compare_finetuning.py wrote",
    )
    parser.add_argument(
        "--benchmark",
        type=Path,
        default=Path("scripts/benchmark/benchmark.json"),
        help="what benchmark.py wrote",
    )
    parser.add_argument("--runs", type=int, default=50, help="timed passes of each preset")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Reads, measures, writes."""
    import _report_plots
    from study import read_results

    presets = read_presets(args.presets)
    if not presets:
        raise ValueError(f"{args.presets} must have preset folders with a training.json.")
    latencies = measure_latency({name: args.presets / name for name in presets}, args.runs)
    _report_plots.plot_presets(presets, latencies, args.presets / "presets.png")
    parts = ["# The presets", presets_section(presets, latencies)]
    parts += claims_section(read_results(args.study) if args.study.is_dir() else {})
    if args.finetuning.exists():
        parts += finetuning_part(json.loads(args.finetuning.read_text()), args.presets)
    if args.benchmark.exists():
        parts += benchmark_part(json.loads(args.benchmark.read_text()), args.presets)
    (args.presets / "README.md").write_text("\n\n".join(parts) + "\n")
    print(f"Wrote {args.presets / 'README.md'}")


def read_presets(folder: Path) -> dict[str, "TrainingRecord"]:
    """The records of all presets in a folder, the most accurate first."""
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
    order = sorted(presets, key=lambda name: -presets[name].results["validation_top1"])
    return {name: presets[name] for name in order}


def measure_latency(folders: dict[str, Path], runs: int) -> dict[str, list[float]]:
    """Seconds of compiled passes of one image, all presets alternately."""
    import keras
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils import _timing

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
    return _timing.alternate(passes, runs)


def presets_section(presets: dict[str, "TrainingRecord"], latencies: dict[str, list[float]]) -> str:
    """The table, how to read it, and the plots."""
    from keras_resblocks_plugin._utils import _markdown
    from keras_resblocks_plugin.training._hardware import hardware

    rows = []
    for name, record in presets.items():
        results = record.results
        rows.append(
            [
                f"[`{name}`]({name})",
                f"{record.more['parameters'] / 1e6:.2f} M",
                f"{record.multiply_adds / 1e6:.1f} M",
                str(len(record.whole_history)),
                f"{results['validation_top1']:.1%}",
                f"{results['validation_top5']:.1%}",
                f"{1000 * statistics.median(latencies[name]):.1f} ms",
            ]
        )
    header = ["preset", "parameters", "multiply-adds", "epochs", "top-1", "top-5", "one image"]
    data = next(iter(presets.values())).data
    notes = "".join(
        f"`{name}`: {record.note}.\n\n" for name, record in presets.items() if record.note
    )
    alone = [f"`{name}`" for name, x in presets.items() if not x.learning_rates_tried]
    untried = f" (none are recorded for {', '.join(alone)})" if alone else ""
    return (
        f"{_markdown.table(header, rows)}\n\n"
        "Parameters and multiply-adds are of the backbone. Epochs include those of the run that a "
        "preset started from; presets with different epochs are not comparable. Accuracy is "
        f"measured on the {data['validation_images']:,} validation images of {data['name']}. They "
        "decided only whether to store weights in half precision, which must not move accuracy by "
        f"more than 0.1 points{', and what the notes below say' if notes else ''}. The time is the "
        f"median of {len(latencies[name])} forward passes of one image, with the presets taking "
        f"turns, on {hardware()}. Each preset's folder has its recipe, its learning curve "
        f"and the learning rates that were tried{untried}.\n\n"
        f"{notes}"
        "![Accuracy over epochs, against size and compute, and latency](presets.png)"
    )


def claims_section(results: dict) -> list[str]:
    """The study, as far as it has run."""
    from _study_report import study_introduction, study_sections

    sections = study_sections(results)
    if not sections:
        return []
    return ["## The tutorial's claims", study_introduction(results), *sections]


def finetuning_part(results: dict, folder: Path) -> list[str]:
    """The comparison of the strategies of fine-tuning, with its plot."""
    from _finetuning_report import finetuning_section
    from _report_plots import save_small

    text, figure = finetuning_section(results)
    save_small(figure, folder / "finetuning.png")
    return ["## Fine-tuning", text, "![Accuracy by images a class](finetuning.png)"]


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
