"""Times this backbone beside KerasHub's ResNet of the same architecture, alternately."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli
from _architectures import ARCHITECTURES

RECIPE = Path(__file__).parents[1] / "recipes" / "resblock_bn_small.toml"


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/benchmark/benchmark.py "
        "--out scripts/benchmark/benchmark.json",
    )
    depths = list(ARCHITECTURES)
    parser.add_argument("--load", type=int, nargs="*", choices=depths, default=depths)
    parser.add_argument("--run", type=int, nargs="*", choices=depths, default=[18, 50, 152])
    parser.add_argument(
        "--formats",
        nargs="*",
        default=["onnx", "litert", "openvino"],
        help="what to export the folded backbone to; see export.py",
    )
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each, after a warm-up")
    parser.add_argument("--out", type=Path, help="a JSON file for report.py")
    parser.add_argument("--readme", type=Path, help="a Markdown file whose section to replace")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Measures, prints the tables, and optionally writes the measurements."""
    import tempfile

    import _benchmark_load
    import _benchmark_report
    import _benchmark_run
    import keras
    from tqdm import tqdm

    from keras_resblocks_plugin._utils import _jsonfile, _markdown
    from keras_resblocks_plugin.training._hardware import hardware

    measured = {
        "backend": keras.backend.backend(),
        "hardware": hardware(),
        "runs": args.runs,
        "import": _benchmark_load.import_seconds(args.runs),
        "limits": _benchmark_run.machine_limits(args.runs),
        "load": {},
        "forward": {},
        "step": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        for depth in tqdm(args.load, desc="Loading", unit=" depth"):
            measured["load"][depth] = _benchmark_load.load(depth, Path(folder), args.runs)
        for depth in tqdm(args.run, desc="Running", unit=" depth"):
            measured["forward"][depth] = _benchmark_run.forward(
                depth, args.runs, args.formats, Path(folder)
            )
            measured["step"][depth] = _benchmark_run.training_step(depth, args.runs)
        measured["pipeline"] = _benchmark_run.pipeline(RECIPE, Path(folder), args.runs)
    print(_benchmark_report.markdown(measured))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        _jsonfile.write_json(args.out, measured)
    if args.readme:
        _markdown.replace_section(args.readme, "benchmark", _benchmark_report.summary(measured))


if __name__ == "__main__":
    _cli.run(main, parse_args())
