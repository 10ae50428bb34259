"""Private API of Keras and KerasHub is used in `_utils/_kerashub.py` alone."""

import ast

import keras
import keras_hub
import pytest

from tests.source import PACKAGE, imported_modules, parse, python_files, relative

PRIVATE_API = PACKAGE / "_utils" / "_kerashub.py"
# Attributes that look private and are not, or are this package's own.
PERMITTED = {
    "_asdict": "the public API of named tuples",
    "_replace": "the public API of named tuples",
    "_state_to_build": "`Freezable.from_config` sets it on the layer that it makes",
    "_exit": "`os._exit` is documented",
    "_fingerprint": "`datasets` gives the digest of a dataset no public name",
}


def private(name):
    return name.startswith("_") and not name.startswith("__")


def private_names_of_keras():
    """The private attributes of what this package subclasses, holds or calls."""
    objects = [
        keras.layers.Conv2D(1, 1),
        keras.layers.BatchNormalization(),
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
        keras.Model(x := keras.Input((1,)), x),
        keras.Function(x, x),
        keras.Variable(0.0),
        keras.callbacks.BackupAndRestore("x.weights.h5"),
        keras.optimizers.AdamW(),
        keras.losses.SparseCategoricalCrossentropy(),
        keras.metrics.SparseCategoricalAccuracy(),
        keras.utils.PyDataset(),
        keras_hub.layers.ImageConverter(),
        keras_hub.models.Backbone,
        keras_hub.models.ImageClassifier,
        keras_hub.models.ImageClassifierPreprocessor(),
    ]
    return {name for x in objects for name in dir(x) if private(name)}


def own_private_names(trees):
    """The private names that this package defines: in modules, in classes, and on `self`."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.Attribute) and is_own_assignment(node):
                yield node.attr


def is_own_assignment(node):
    owner = getattr(node.value, "id", None)
    return isinstance(node.ctx, ast.Store) and owner in ("self", "cls")


def used_private_names(tree):
    """Each private attribute that is read, set or overridden, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.ClassDef):
            yield from ((x.name, x.lineno) for x in node.body if isinstance(x, ast.FunctionDef))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            function = getattr(node.func, "id", getattr(node.func, "attr", None))
            if function in ("getattr", "setattr", "hasattr", "delattr", "get", "pop"):
                constants = [x for x in node.args if isinstance(x, ast.Constant)]
                yield from ((x.value, x.lineno) for x in constants if isinstance(x.value, str))
        # Keras passes some arguments to itself under private names.
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value.lineno


def find_private_api(trees):
    """Where modules use private API, as `file:line name`."""
    foreign, own = private_names_of_keras(), set(own_private_names(trees.values()))
    for file, tree in trees.items():
        for name, line in used_private_names(tree):
            if private(name) and name not in PERMITTED and (name in foreign or name not in own):
                yield f"{file}:{line} {name}"
        for module in imported_modules(tree):
            if module.startswith(("keras.src", "keras_hub.src")):
                yield f"{file} {module}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "src":
                yield f"{file}:{node.lineno} src"


def test_private_api_of_keras_is_used_in_one_module():
    files = [file for file in python_files(PACKAGE) if file != PRIVATE_API]
    assert list(find_private_api({relative(file): parse(file) for file in files})) == []


@pytest.mark.parametrize(
    "code",
    [
        "layer._kernel",
        "layer._trainable = False",
        "getattr(layer, '_kernel')",
        "kwargs.get('_use_cached_eval_dataset')",
        "model.evaluate(x, _use_cached_eval_dataset=True)",
        "self.model._initial_epoch = 3",
        "self._initial_epoch = 3",
        "class Layer(keras.Layer):\n    def _flatten_layers(self): pass",
        "from keras.src import ops",
        "keras.src.ops",
        "import keras_hub.src.utils.preset_utils",
        "something._unheard_of",
    ],
)
def test_private_api_is_seen(code):
    assert len(list(find_private_api({"file.py": ast.parse(code)}))) > 0


@pytest.mark.parametrize("code", ["self._x = 1\nself._x", "row._replace(a=1)", "x.__class__"])
def test_own_private_names_are_permitted(code):
    assert list(find_private_api({"file.py": ast.parse(code)})) == []
