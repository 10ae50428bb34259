"""Fine-tunes a preset for a task, and saves it as a preset with its results and card.

Killed and started again with the same arguments, it goes on where it was; started
again when it is done, it measures and saves again.
"""

import argparse
import importlib
from pathlib import Path

import _cli

# Each is a module `_finetune_<task>.py` with `add_arguments(parser)` and `run(args)`, which
# imports what is slow only when it runs.
TASKS = ("classification", "segmentation", "detection")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/finetune.py classification resblock_bn_small "
        "--data path/to/images --out runs/mine --strategy lora",
    )
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for task in TASKS:
        module = importlib.import_module(f"keras_resblocks_plugin.training._finetune_{task}")
        summary = module.__doc__.splitlines()[0]
        subparser = tasks.add_parser(
            task,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        _add_shared_arguments(subparser)
        module.add_arguments(subparser)
        if task == "classification":
            _cli.add_distribution(subparser)
        subparser.set_defaults(run=module.run)
    return parser.parse_args(argv)


def _add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    # The defaults of epochs, batch and learning rate are each task's own: `set_defaults()`.
    parser.add_argument("preset", help="where to start: a name, a folder, or hf://user/name")
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the run")
    parser.add_argument("--epochs", type=int, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, help="images a step")
    parser.add_argument("--learning-rate", type=float, help="the peak, left along a cosine")
    parser.add_argument("--weight-decay", type=float, default=1e-4, help="of kernels, decoupled")
    parser.add_argument(
        "--strategy",
        choices=("linear", "norm", "lora", "full"),
        default="full",
        help="what learns beside the head, see `krp.freeze`",
    )
    parser.add_argument("--rank", type=int, help="of LoRA; 4 if not set")
    parser.add_argument(
        "--update-batch-norm", action="store_true", help="let batch-norm statistics follow the data"
    )
    parser.add_argument(
        "--from-scratch", action="store_true", help="train the same network from random weights"
    )
    parser.add_argument("--train-split", default="train", help="the split to learn from")
    parser.add_argument("--validation-split", default="validation", help="the split reported on")
    parser.add_argument("--image-column", default="image", help="the column of images")
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--dtype", default="float32", help="the precision while training")
    parser.add_argument("--license", default="other", help="for the card: that of the weights")
    parser.add_argument("--data-license", default="", help="for the card: the licence of the data")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")


def main(args: argparse.Namespace) -> None:
    """Checks what all tasks share, and runs the task."""
    import keras

    from keras_resblocks_plugin.training import _finetuning

    _finetuning.check_arguments(args)
    keras.utils.set_random_seed(args.seed)
    args.run(args)


if __name__ == "__main__":
    _cli.run(main, parse_args())
