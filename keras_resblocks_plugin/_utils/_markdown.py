"""Tables and sections of Markdown files that scripts write."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table. The first column is text and the others are numbers."""
    align = [":--"] + ["--:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, align, *rows))


def replace_section(file: Path, name: str, text: str) -> None:
    """Replaces the text between `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: If the file does not contain both comments.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, mark, rest = file.read_text().partition(begin)
    _, end_mark, after = rest.partition(end)
    if not mark or not end_mark:
        raise ValueError(f"{file} must contain {begin} and {end}, between which to write.")
    file.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")
