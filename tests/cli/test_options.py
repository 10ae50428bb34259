"""Options made of a dataclass."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from cyclopts import CycloptsError

from keras_resblocks_plugin.cli._command_line import new_app
from keras_resblocks_plugin.cli._options import options_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Devices:
    """The devices.

    Args:
        num_processes: int. How many processes train together. Defaults to `None`.
    """

    num_processes: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base:
    """The settings of every task.

    Args:
        preset: str. Where to start.
        out: Path. The folder of the run.
        rate: float. The peak. Defaults to `1.5`.
        update: bool. Whether to update the statistics. Defaults to `False`, an error.
    """

    preset: str
    out: Path
    rate: float = 1.5
    update: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Base):
    """The settings of one task.

    Args:
        names: list of strings. The classes. `None`, the default, numbers them.
        size: tuple of two ints. Height and width.
        dtype: str. The precision.
        devices: `Devices`. The devices and processes. Defaults to one of each.
    """

    names: Sequence[str] | None = None
    size: tuple[int, int] | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    devices: Devices = Devices()


def parse(*args, positional=("preset",)) -> Config:
    """The configuration that a command line stands for."""
    configs = []
    app = new_app("tune")
    app.default(options_of(Config, configs.append, *positional))
    app.meta(args)
    return configs[0]


def test_defaults_are_those_of_the_dataclass():
    assert parse("bn", "--out", "run") == Config(preset="bn", out=Path("run"))


def test_every_field_is_an_option():
    line = "bn --out run --rate 2 --update --names cat dog fox --size 3 4 --dtype bfloat16"
    assert parse(*line.split(), "--num-processes", "2") == Config(
        preset="bn",
        out=Path("run"),
        rate=2.0,
        update=True,
        names=["cat", "dog", "fox"],
        size=(3, 4),
        dtype="bfloat16",
        devices=Devices(num_processes=2),
    )


def test_another_field_can_be_positional():
    expected = Config(preset="bn", out=Path("run"))
    assert parse("run", "--preset", "bn", positional=("out",)) == expected
    assert parse("run", "bn", positional=("out", "preset")) == expected


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("--out run", "PRESET"),
        ("bn", "--out"),
        ("bn other --out run", "other"),
        ("bn --out run --names", "--names"),
        ("bn --out run --size 3", "--size"),
        ("bn --out run --dtype int8", '"float32", "bfloat16"'),
        ("bn --out run --rate fast", "--rate"),
        ("bn --out run --no-update", "--no-update"),
        ("bn --out run --nams cat", "--names"),
    ],
)
def test_a_wrong_command_line_is_an_error_that_names_the_argument(line, error):
    with pytest.raises(CycloptsError) as caught:
        parse(*line.split())
    assert error in str(caught.value)


def test_the_help_has_the_descriptions_without_types(capsys):
    with pytest.raises(IndexError):
        parse("--help")
    lines = [" ".join(line.strip("│ ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "* PRESET Where to start. [required]" in lines
    assert "* --out PATH The folder of the run. [required]" in lines
    assert "--rate FLOAT The peak. [default: 1.5]" in lines
    assert "--update Update the statistics." in lines
    assert "--num-processes INT How many processes train together." in lines
    assert any(line.startswith("╭─ Devices ") for line in lines)
