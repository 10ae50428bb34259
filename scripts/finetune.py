"""Fine-tunes a preset for a task, and saves it as a preset with its results and card.

An interrupted run continues when it is started again with the same arguments. A finished run is
measured and saved again.
"""

import argparse
import collections.abc
import dataclasses
import inspect
import re
import types
import typing

import _cli

from keras_resblocks_plugin.training import (
    ClassificationConfig,
    DetectionConfig,
    DistributionConfig,
    FinetuneConfig,
    SegmentationConfig,
    finetune,
)

CONFIGS = {
    config.task: config for config in (ClassificationConfig, SegmentationConfig, DetectionConfig)
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/finetune.py classification resblock_bn_small "
        "--data path/to/images --out runs/mine --strategy lora",
    )
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for task, config in CONFIGS.items():
        summary = inspect.getdoc(config).splitlines()[0]
        subparser = tasks.add_parser(
            task,
            help=summary,
            description=summary,
            # The configuration has the defaults.
            argument_default=argparse.SUPPRESS,
        )
        _add_arguments(subparser, config)
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Runs the task."""
    finetune(read_config(args))


def read_config(args: argparse.Namespace) -> FinetuneConfig:
    """Returns the configuration that the arguments describe."""
    given = {name: value for name, value in vars(args).items() if name not in ("task", "debug")}
    names = {field.name for field in dataclasses.fields(DistributionConfig)} & given.keys()
    if names:
        given["distribution"] = DistributionConfig(**{name: given.pop(name) for name in names})
    return CONFIGS[args.task](**given)


def _add_arguments(parser: argparse.ArgumentParser, config: type) -> None:
    helps, hints = _helps(config), typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        hint, text = hints[field.name], helps[field.name]
        flag = f"--{field.name.replace('_', '-')}"
        if hint is DistributionConfig:
            _add_arguments(parser.add_argument_group("several devices, on JAX", text), hint)
        elif field.name == "preset":
            parser.add_argument("preset", help=text)
        elif hint is bool:
            parser.add_argument(flag, action="store_true", help=text)
        else:
            required = field.default is dataclasses.MISSING
            parser.add_argument(flag, required=required, help=text, **_type(hint))


def _type(hint: typing.Any) -> dict[str, typing.Any]:
    """Returns the type of an option, its choices, and how many values it takes."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return {"choices": args}
    if origin is types.UnionType:
        return _type(args[0])
    if origin is tuple:
        return {"type": args[0], "nargs": len(args)}
    if origin is collections.abc.Sequence:
        return {"type": args[0], "nargs": "+"}
    return {"type": hint}


def _helps(config: type) -> dict[str, str]:
    """Returns the help of each field from the `Args:` of its class."""
    bases = [base for base in reversed(config.__mro__) if dataclasses.is_dataclass(base)]
    text = "\n".join(f"{inspect.getdoc(base)}\n" for base in bases)
    entries = re.findall(r"^    (\w+): .*?\. (.*(?:\n {8}.*)*)", text, re.MULTILINE)
    return {name: " ".join(help_text.split()) for name, help_text in entries}


if __name__ == "__main__":
    _cli.run(main, parse_args())
