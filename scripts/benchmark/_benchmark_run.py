"""Times of forward passes, training steps and input batches, and of the machine itself."""

import functools
from collections.abc import Callable
from pathlib import Path

from _architectures import LIBRARIES, build

from keras_resblocks_plugin._utils._timing import alternate
from keras_resblocks_plugin.training._jit_compile import jit_compile

# Images, and their side in pixels.
FORWARD_BATCHES = {"1 image of 224 px": (1, 224), "64 images of 64 px": (64, 64)}
STEP_BATCH = (8, 128)
PIPELINE_IMAGES = 10_000


def forward(depth: int, runs: int, formats: list[str], folder: Path) -> dict:
    """Times forward passes of KerasHub's net, this one, this one folded, and its exports."""
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.export import _formats
    from keras_resblocks_plugin.export._runners import runner

    models = {library: build(depth, library) for library in LIBRARIES}
    models["folded"] = krp.fold_batch_norm(models["krp"])
    for model in models.values():
        model.compile(jit_compile=jit_compile())
    exported = {
        name: _formats.write(models["folded"], name, folder / f"{depth}_{name}") for name in formats
    }
    seconds = {}
    for title, (count, size) in FORWARD_BATCHES.items():
        images = np.random.default_rng(0).uniform(size=(count, size, size, 3)).astype("float32")
        runners = {name: model.predict_on_batch for name, model in models.items()}
        runners |= {name: runner(name, file) for name, file in exported.items()}
        actions = {name: functools.partial(run, images) for name, run in runners.items()}
        seconds[title] = alternate(actions, runs)
    return seconds


def training_step(depth: int, runs: int) -> dict[str, list[float]]:
    """Times a compiled training step of both libraries."""
    import keras
    import numpy as np

    count, size = STEP_BATCH
    images = np.random.default_rng(0).uniform(size=(count, size, size, 3)).astype("float32")
    labels = np.zeros(count, "int32")

    def step(library) -> Callable[[], object]:
        backbone = build(depth, library)
        x = keras.layers.GlobalAveragePooling2D()(backbone.output)
        model = keras.Model(backbone.input, keras.layers.Dense(1000)(x))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss, jit_compile=jit_compile())
        return lambda: model.train_on_batch(images, labels)

    return alternate({library: step(library) for library in LIBRARIES}, runs)


def pipeline(recipe_file: Path, folder: Path, runs: int) -> dict:
    """Times a batch of `train.py`'s input beside a training step of the same recipe."""
    import numpy as np

    from keras_resblocks_plugin.training import read_recipe
    from keras_resblocks_plugin.training._classifier import build_classifier, build_converter
    from keras_resblocks_plugin.training._optimizer import compile_classifier
    from keras_resblocks_plugin.training.data._input import training_batches
    from keras_resblocks_plugin.training.data._labelled_images import ImageSet

    recipe = read_recipe(recipe_file)
    generator = np.random.default_rng(0)
    shape = (PIPELINE_IMAGES, recipe.image_size, recipe.image_size, 3)
    class_names = [str(index) for index in range(100)]
    # Mapped from a file, as `train.py` has them.
    np.save(folder / "images.npy", generator.integers(0, 256, shape, "uint8"))
    images = ImageSet(
        np.load(folder / "images.npy", mmap_mode="c"),
        generator.integers(0, 100, PIPELINE_IMAGES, "int32"),
        class_names,
    )
    converter = build_converter(images.images[::50], recipe.image_size)
    model = build_classifier(recipe.backbone, class_names, converter, recipe.dropout, recipe.dtype)
    model.preprocessor = None
    compile_classifier(model, recipe.schedule, 100, recipe.optimizer, recipe.label_smoothing)
    rows = np.arange(PIPELINE_IMAGES)
    batches = iter(
        training_batches(images, rows, recipe.batch_size, recipe.augmentation, converter, seed=0)
    )
    x, y = next(batches)
    # Prefetched batches are taken first, so that each counted batch is made while it is timed.
    count = 20

    def take():
        for _ in range(count):
            next(batches)

    def train():
        for _ in range(count):
            model.train_on_batch(x, y)

    seconds = {}
    for name, action in {"input": take, "step": train}.items():
        seconds[name] = [value / count for value in alternate({name: action}, runs)[name]]
    return {"recipe": recipe_file.stem, "batch_size": recipe.batch_size, "seconds": seconds}


def machine_limits(runs: int) -> dict[str, list[float]]:
    """Operations and bytes a second of one large product of matrices and one large copy."""
    import keras
    import numpy as np

    side = 2048
    matrix = keras.ops.ones((side, side), "float32")
    source = np.ones(2**26, "uint8")
    target = np.empty_like(source)
    seconds = alternate(
        {
            "matmul": lambda: keras.ops.convert_to_numpy(matrix @ matrix),
            "copy": lambda: np.copyto(target, source),
        },
        runs,
    )
    return {
        "flops": [2 * side**3 / value for value in seconds["matmul"]],
        "bytes": [2 * source.nbytes / value for value in seconds["copy"]],
    }
