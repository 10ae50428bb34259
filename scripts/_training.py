"""The pieces of a training run: the model, its batches, its optimizer, its backup."""

import json
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from _data import ImageSet
from _recipe import Recipe

import keras_resblocks_plugin as krp


def build_classifier(
    recipe: Recipe, class_names: list[str], converter: krp.ResBlockImageConverter, dtype: str
) -> krp.ResBlockImageClassifier:
    """The recipe's backbone with an untrained head."""
    return krp.ResBlockImageClassifier(
        krp.ResBlockBackbone(**recipe.backbone, dtype=dtype),
        class_names=class_names,
        preprocessor=krp.ResBlockImageClassifierPreprocessor(converter),
        dropout=recipe.dropout,
        head_dtype="float32",
    )


def build_converter(pixels: np.ndarray, image_size: int) -> krp.ResBlockImageConverter:
    """A converter that gives `pixels`, uint8 images, mean zero and variance one a channel."""
    mean = pixels.mean((0, 1, 2), dtype="float64")
    std = pixels.std((0, 1, 2), dtype="float64")
    return krp.ResBlockImageConverter(
        image_size=(image_size, image_size),
        scale=[round(float(value), 8) for value in 1 / std],
        offset=[round(float(value), 8) for value in -mean / std],
        antialias=True,
    )


def training_batches(
    images: ImageSet, rows: np.ndarray, recipe: Recipe, converter: keras.Layer, seed: int
) -> tf.data.Dataset:
    """Endless shuffled, augmented batches of images and one-hot labels."""
    augmentations = []
    if recipe.flip:
        augmentations.append(keras.layers.RandomFlip("horizontal", seed=seed))
    if recipe.translation:
        # By whole pixels: a shift in between blurs, and images are sharp when it counts.
        augmentations.append(
            keras.layers.RandomTranslation(
                recipe.translation,
                recipe.translation,
                fill_mode="reflect",
                interpolation="nearest",
                seed=seed,
            )
        )
    if recipe.zoom:
        augmentations.append(
            keras.layers.RandomZoom((-recipe.zoom, recipe.zoom), fill_mode="reflect", seed=seed)
        )
    mixup = keras.layers.MixUp(recipe.mixup_alpha, seed=seed) if recipe.mixup_alpha else None
    cutmix = keras.layers.CutMix(seed=seed)

    # Tensors and not a Python function: each time Keras dropped an iterator, one that waited
    # for the interpreter was seen to stall the run for up to a minute.
    pixels = tf.constant(images.images[rows])
    labels = tf.one_hot(images.labels[rows], len(images.class_names))

    def load(batch):
        return tf.cast(tf.gather(pixels, batch), "float32"), tf.gather(labels, batch)

    def augment(x, y):
        for augmentation in augmentations:
            x = augmentation(x, training=True)
        data = {"images": x, "labels": y}
        if mixup is not None:
            data = mixup(data, training=True)
        if recipe.cutmix_probability:
            data = tf.cond(
                tf.random.uniform([]) < recipe.cutmix_probability,
                lambda: cutmix(data, training=True),
                lambda: data,
            )
        return converter(data["images"]), data["labels"]

    batches = tf.data.Dataset.range(len(rows)).shuffle(len(rows), seed=seed).repeat()
    batches = batches.batch(recipe.batch_size, drop_remainder=True).map(load)
    return batches.map(augment, num_parallel_calls=1).prefetch(4)


def evaluation_batches(
    images: ImageSet, rows: np.ndarray, batch_size: int, converter: keras.Layer
) -> tf.data.Dataset:
    """Batches of images and one-hot labels, in order and as they are."""
    labels = tf.one_hot(images.labels[rows], len(images.class_names))
    batches = tf.data.Dataset.from_tensor_slices((images.images[rows], labels))
    return batches.batch(batch_size).map(lambda x, y: (converter(tf.cast(x, "float32")), y))


def compile_for(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Compiles with the recipe's optimizer, schedule and loss."""
    warmup_steps = round(steps_per_epoch * recipe.warmup_epochs)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else recipe.learning_rate,
        decay_steps=steps_per_epoch * recipe.epochs - warmup_steps,
        warmup_target=recipe.learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    optimizer = keras.optimizers.SGD(
        schedule,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        weight_decay=recipe.weight_decay,
        use_ema=recipe.ema_momentum > 0,
        ema_momentum=recipe.ema_momentum or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=jit_compile(),
    )


def jit_compile() -> str | bool:
    """What `compile()` is told: on a CPU, TensorFlow trains three times faster without XLA."""
    compiles = keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU")
    return "auto" if compiles else False


class Backup(keras.callbacks.BackupAndRestore):
    """Backs up every epoch, and resumes whatever state a kill left behind.

    Keras falls back to the previous backup where the last one cannot be opened. This one also
    starts anew where neither can be read, and takes the epoch from the optimizer's
    step count: a kill between Keras' two files leaves new weights with an old epoch.
    """

    def __init__(self, folder: Path, steps_per_epoch: int):
        super().__init__(str(folder), double_checkpoint=True, delete_checkpoint=False)
        self.folder = folder
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs=None):
        optimizer = self.model.optimizer
        optimizer.build(self.model.trainable_variables)
        variables = [*self.model.variables, *optimizer.variables]
        start = [np.copy(keras.ops.convert_to_numpy(variable)) for variable in variables]
        for restore in (self._restore, self._restore_previous):
            try:
                restore(logs)
                break
            except (OSError, ValueError, KeyError) as error:
                warnings.warn(f"A backup in {self.folder} cannot be read: {error}", stacklevel=2)
        else:
            for variable, value in zip(variables, start, strict=True):
                variable.assign(value)
        self.model._initial_epoch = int(optimizer.iterations) // self.steps_per_epoch

    def _restore(self, logs):
        super().on_train_begin(logs)

    def _restore_previous(self, logs):
        for name in ("latest.weights.h5", "training_metadata.json"):
            (self.folder / f"{name}.bkp").replace(self.folder / name)
        super().on_train_begin(logs)


class History(keras.callbacks.Callback):
    """Appends each epoch's figures and seconds to a file of JSON lines."""

    def __init__(self, file: Path):
        super().__init__()
        self.file = file

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: round(float(value), 5) for name, value in logs.items()}
        figures["learning_rate"] = round(float(self.model.optimizer.learning_rate), 7)
        seconds = round(time.monotonic() - self.start, 1)
        with self.file.open("a") as stream:
            stream.write(json.dumps({"epoch": epoch + 1, **figures, "seconds": seconds}) + "\n")


def read_history(file: Path) -> list[dict]:
    """The epochs in order; of one that a kill made repeat, the last."""
    epochs = {}
    for line in file.read_text().splitlines():
        # A kill can leave half a line.
        if line.endswith("}"):
            figures = json.loads(line)
            epochs[figures["epoch"]] = figures
    return [epochs[epoch] for epoch in sorted(epochs)]


def recompute_batch_norm(
    backbone: krp.ResBlockBackbone, batches: Iterable[np.ndarray], progress: Iterable[int]
) -> None:
    """Sets the moving statistics to those of the present weights, over some batches.

    Averaged weights have seen no data, so the statistics of the weights that they
    average do not fit them ([Izmailov et al., 2018](https://arxiv.org/abs/1803.05407)).
    """
    norms = [
        child
        for layer in backbone.layers
        for child in (layer, *vars(layer).values())
        if isinstance(child, keras.layers.BatchNormalization)
    ]
    momentums = [norm.momentum for norm in norms]
    for step, (x, _) in zip(progress, batches, strict=False):
        for norm in norms:
            # The running mean of all batches so far, each with the same weight.
            norm.momentum = step / (step + 1)
        backbone(x, training=True)
    for norm, momentum in zip(norms, momentums, strict=True):
        norm.momentum = momentum
