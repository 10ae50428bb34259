"""The pages of the documentation, and the code on them."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "scripts/*.md", "presets/*.md", "keras_resblocks_plugin/**/README.md")
    for path in ROOT.glob(pattern)
)


class Block(NamedTuple):
    """A fenced block of a page, and the output that the page shows right after it."""

    language: str
    text: str
    output: str | None


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[Block]:
    """The blocks of a language, in the order of the page."""
    # Inside a list, a block is indented.
    fence = re.compile(r"^ *```(\w+)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL | re.MULTILINE)
    found = [Block(*match.groups()) for match in fence.finditer(read(page))]
    return [block for block in found if block.language == language]


def commands(page: str) -> list[str]:
    """The command lines of a page, each on one line and without comments."""
    text = "\n".join(block.text for block in blocks(page, "shell")).replace("\\\n", " ")
    lines = (" ".join(shlex.split(line, comments=True)) for line in text.splitlines())
    return [line for line in lines if line]
