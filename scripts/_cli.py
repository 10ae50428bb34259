"""The shared parts of the maintainers' command lines.

The scripts that users run are commands of `keras-resblocks`; see `_door.py`.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

# Silences TensorFlow's messages at start-up.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The report imports from the study and the benchmark.
sys.path += [str(Path(__file__).parent / folder) for folder in ("study", "benchmark", "docs")]


def new_parser(description: str, **kwargs) -> argparse.ArgumentParser:
    """A parser with the flags that every script has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, **kwargs
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Adds the names of the columns of a dataset of images with one label each."""
    parser.add_argument("--image-column", default="image", help="the column of images")
    parser.add_argument("--label-column", default="label", help="the column of integer labels")


def add_skip_unreadable(parser: argparse.ArgumentParser) -> None:
    """Adds the flag that leaves out images that cannot be read."""
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="leave out images that cannot be read"
    )


def run(main: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Runs a script; exits with 1 and one line at an error that the user can fix."""
    from keras_resblocks_plugin.cli._errors import in_one_line

    with in_one_line(args.debug):
        main(args)
