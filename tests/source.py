"""The source of this repository, for tests that read it."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "keras_resblocks_plugin"
SCRIPTS = ROOT / "scripts"


def python_files(*folders):
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def relative(file):
    return file.relative_to(ROOT).as_posix()


def parse(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def imported_modules(tree):
    """The dotted names of all imports in a tree, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "Imports are absolute."
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
