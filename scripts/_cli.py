"""The command line of every script: errors in one line, and exit codes for a shell."""

import argparse
import os
import sys
from collections.abc import Callable

# TensorFlow's start-up notes would bury what the script itself says.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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
    """Adds the flag with which images that cannot be read are left out, not an error."""
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="leave out images that cannot be read"
    )


def add_distribution(parser: argparse.ArgumentParser) -> None:
    """Adds the fields of `DistributionConfig`."""
    group = parser.add_argument_group("several devices, with KERAS_BACKEND=jax")
    group.add_argument(
        "--data-parallel", action="store_true", help="train on all devices of this host at once"
    )
    group.add_argument("--job-addresses", help="with several processes: HOST:PORT of process 0")
    group.add_argument("--num-processes", type=int, help="how many processes train together")
    group.add_argument("--process-id", type=int, help="which one this is, from 0")


def run(main: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Runs a script's work; exits with 1 and one line if the user can fix the error."""
    try:
        main(args)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, OSError, ImportError) as error:
        if args.debug:
            raise
        message = " ".join(str(error).split())
        sys.exit(f"error: {message}")
