"""The rules of the house: rooms, the direction of imports, and the sizes of files."""

import ast

from tests.source import PACKAGE, ROOT, SCRIPTS, imported_modules, parse, python_files, relative

# A room imports from those before it. The empty name is the package's `__init__`, which
# imports everything up to `hub`; the rooms behind it are imported on demand.
ROOMS = [
    *("_utils", "_hub_client", "lora", "layers", "blocks", "saving", "models", "registry"),
    *("transforms", "diagnostics", "convert", "hub", "", "training"),
    *("prediction", "export", "cli"),
]


def room_of(module):
    """The room of a module of this package by its dotted name, or `None`."""
    first, *rest = module.split(".")
    if first != PACKAGE.name:
        return None
    return rest[0] if rest and rest[0] in ROOMS else ""


def test_rooms():
    folders = {init.parent.name for init in PACKAGE.glob("*/__init__.py")}
    assert folders <= set(ROOMS)


def test_names_of_modules_begin_with_an_underscore():
    public = [file for file in python_files(PACKAGE) if not file.name.startswith("_")]
    assert list(map(relative, public)) == []


def test_imports_run_one_way():
    found = []
    for file in python_files(PACKAGE):
        room = file.relative_to(PACKAGE).parts[0] if file.parent != PACKAGE else ""
        for node in ast.walk(parse(file)):
            if isinstance(node, ast.Import):
                rooms = {room_of(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name:
                rooms = {room_of(f"{node.module}.{alias.name}") for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                rooms = {room_of(node.module)}
            else:
                continue
            found += [
                f"{relative(file)}:{node.lineno} imports {other or 'the package itself'}"
                for other in rooms - {None}
                if ROOMS.index(other) > ROOMS.index(room)
            ]
    assert found == []


def test_no_file_is_over_250_lines():
    sizes = {
        relative(file): len(file.read_text(encoding="utf-8").splitlines())
        for file in python_files(PACKAGE, SCRIPTS, ROOT / "tests")
    }
    assert {file: size for file, size in sizes.items() if size > 250} == {}


def test_scripts_have_under_4350_lines():
    assert sum(len(file.read_text().splitlines()) for file in python_files(SCRIPTS)) < 4350


def test_modules_of_scripts_are_imported_in_scripts_alone():
    own = {file.stem for file in python_files(SCRIPTS)} | {"scripts"}
    found = [
        f"{relative(file)} imports {module}"
        for file in python_files(PACKAGE)
        for module in imported_modules(parse(file))
        if module.split(".")[0] in own
    ]
    # A script that users run needs nothing from the maintainers' folders.
    inner = {file.stem for file in python_files(SCRIPTS) if file.parent != SCRIPTS}
    found += [
        f"{relative(file)} imports {module}"
        for file in SCRIPTS.glob("*.py")
        for module in imported_modules(parse(file))
        if module.split(".")[0] in inner
    ]
    assert found == []


def test_the_package_does_not_know_argparse():
    files = [x for x in python_files(PACKAGE) if "argparse" in imported_modules(parse(x))]
    assert list(map(relative, files)) == []


def test_rooms_without_an_underscore_say_what_is_public():
    inits = PACKAGE.glob("[!_]*/__init__.py")
    assert [relative(init) for init in inits if "__all__" not in init.read_text()] == []
