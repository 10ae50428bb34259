"""Times ResNet-50 on PyTorch: this package, timm in its faster memory format, and KerasHub."""

import argparse
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/benchmark/benchmark_torch.py --runs 20 "
        "--out scripts/benchmark/benchmark_torch.json --readme scripts/README.md",
    )
    parser.add_argument("--batch-size", type=int, default=8, help="images of a batch")
    parser.add_argument("--image-size", type=int, default=128, help="side of an image in pixels")
    parser.add_argument("--dtype", default="float32", help="float32, or bfloat16 by autocasting")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the CPU")
    parser.add_argument("--runs", type=int, default=10, help="timed runs of each, after a warm-up")
    parser.add_argument("--out", type=Path, help="a JSON file for the measurements")
    parser.add_argument("--readme", type=Path, help="a Markdown file whose section to replace")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Measures, prints the table, and optionally writes the measurements."""
    from importlib import metadata

    import torch
    from _benchmark_torch import forward, report, training_step

    from keras_resblocks_plugin._utils import _jsonfile, _markdown
    from keras_resblocks_plugin.training._hardware import hardware

    torch.set_num_threads(args.threads)
    batch = (args.batch_size, args.image_size, args.dtype)
    measured = {
        "versions": {
            name: metadata.version(name) for name in ("torch", "keras", "keras-hub", "timm")
        },
        "hardware": hardware(),
        "threads": args.threads,
        "batch": batch,
        "runs": args.runs,
        "seconds": {
            "forward pass": forward(*batch, args.runs),
            "training step": training_step(*batch, args.runs),
        },
    }
    print(report(measured))
    if args.out:
        _jsonfile.write_json(args.out, measured)
    if args.readme:
        _markdown.replace_section(args.readme, "torch", report(measured))


if __name__ == "__main__":
    _cli.run(main, parse_args())
