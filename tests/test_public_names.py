"""The public names of the package, and what importing it brings."""

import ast

import keras
import pytest

import keras_resblocks_plugin as krp
from tests.source import PACKAGE, parse

# What the extras install, what the commands alone need, and what takes long to import.
ON_DEMAND = {
    *("cyclopts", "datasets", "grain", "jax", "jsonschema", "matplotlib", "PIL"),
    *("pycocotools", "rich", "sklearn", "tensorboardX", "tensorflow", "torch", "tqdm"),
}


def test_public_names():
    assert {"training", "prediction", "export", *krp.__all__} <= set(dir(krp))
    for name in krp.__all__:
        assert getattr(krp, name) is not None
    assert issubclass(krp.hub.HubError, Exception)
    with pytest.raises(AttributeError, match="no_such_name"):
        krp.no_such_name  # noqa: B018


def test_importing_the_package_imports_no_extras(fresh_process):
    code = """
import sys
import keras_hub
before = set(sys.modules)
import keras_resblocks_plugin
print(*(set(sys.modules) - before))
"""
    new = set(fresh_process(code).split())
    own = {name for name in new if name.split(".")[0] == PACKAGE.name}
    assert "keras_resblocks_plugin.hub" in own
    on_demand = "training", "prediction", "export", "cli"
    assert not own & {f"{PACKAGE.name}.{room}" for room in on_demand}
    assert not {name.split(".")[0] for name in new - own} & ON_DEMAND
    # Keras and KerasHub import some of them wherever they are installed, TensorFlow among them.
    backend = {f"{PACKAGE.name}.layers._{keras.backend.backend()}"}
    heavy = {
        name: sorted(imported_at_once(parse(source(name))) & ON_DEMAND) for name in own - backend
    }
    assert {name: found for name, found in heavy.items() if found} == {}


def source(module):
    file = PACKAGE.parent / module.replace(".", "/")
    return file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


def imported_at_once(tree):
    """The top-level names of imports that importing the module runs."""
    names = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module)
    return {name.split(".")[0] for name in names}
