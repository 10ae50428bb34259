"""The pieces of a training run: the model, its batches, its optimizer, its backup."""

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training.data._data import ImageSet

# Bytes, as TensorFlow's kernels want it and NumPy's file format has it.
_ALIGNMENT = 64


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


def build_converter(pixels: Iterable[np.ndarray], image_size: int) -> krp.ResBlockImageConverter:
    """A converter that gives `pixels`, uint8 images, mean zero and variance one a channel.

    The pixels are those of all processes, where there are several.
    """
    values = np.arange(256)
    # Whole numbers, so that it does not matter who counts what.
    counts = sum((_histogram(image) for image in pixels), np.zeros((3, 256), "int64"))
    counts = _distribution.total(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    std = np.sqrt([share @ (values - m) ** 2 for share, m in zip(shares, mean, strict=True)])
    return krp.ResBlockImageConverter(
        image_size=(image_size, image_size),
        scale=[round(float(value), 8) for value in 1 / std],
        offset=[round(float(value), 8) for value in -mean / std],
        antialias=True,
    )


def _histogram(image: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(channel, minlength=256) for channel in image.reshape(-1, 3).T])


def training_batches(
    images: ImageSet, rows: np.ndarray, recipe: Recipe, converter: keras.Layer, seed: int
) -> tf.data.Dataset:
    """Endless shuffled, augmented batches of images and one-hot labels.

    In a distributed run `rows` are this process's share, and so are the batches.
    """
    process, processes = _distribution.place()
    if images.images.shape[1:3] == converter.image_size:
        # A tenth of the pipeline's time went into resizing images to the size that they have.
        converter = type(converter).from_config({**converter.get_config(), "image_size": None})
    augment = _new_augmentation(recipe, converter, seed + process)
    batches = tf.data.Dataset.from_tensor_slices(rows)
    batches = batches.shuffle(len(rows), seed=seed + process).repeat()
    batches = batches.batch(recipe.batch_size // processes, drop_remainder=True)
    return _as_is(batches.map(_loader(images)).map(augment, num_parallel_calls=1).prefetch(4))


@_distribution.alone()  # What a layer draws by is this process's own.
def _new_augmentation(recipe: Recipe, converter: keras.Layer, seed: int):
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

    return augment


def evaluation_batches(
    images: ImageSet, rows: np.ndarray, batch_size: int, converter: keras.Layer
) -> tf.data.Dataset:
    """Batches of images and one-hot labels, in order and as they are.

    In a distributed run `rows` are this process's share, and so are the batches. All processes
    get equally many full ones, filled up with images of weight 0, which comes third.
    """
    load = _loader(images)

    def convert(batch, *weight):
        x, y = load(batch)
        return converter(x), y, *weight

    distribution = keras.distribution.distribution()
    if distribution is None:
        return _as_is(tf.data.Dataset.from_tensor_slices(rows).batch(batch_size).map(convert))
    devices, processes = distribution.num_model_replicas, distribution.num_processes
    batch_size = -(-batch_size // devices) * devices
    count = int(_distribution.total(len(rows)))
    size = -(-count // batch_size) * batch_size // processes
    weights = np.zeros(size, "float32")
    # Keras divides the loss by the number of images, those of weight 0 included.
    weights[: len(rows)] = size * processes / count
    filled = tf.data.Dataset.from_tensor_slices((np.resize(rows, size), weights))
    return _as_is(filled.batch(batch_size // processes).map(convert))


def _loader(images: ImageSet):
    """A function of `tf.data` from rows to their images and one-hot labels.

    Not a Python one: each time Keras dropped an iterator, one that waited for the
    interpreter was seen to stall the run for up to a minute.
    """
    # The cache's own memory: what does not fit is read from the disk when a batch asks for it.
    # TensorFlow ends the process over memory that is not aligned as a mapped file's is.
    if images.images.ctypes.data % _ALIGNMENT:
        pixels = tf.constant(images.images)
    else:
        pixels = tf.experimental.dlpack.from_dlpack(images.images.__dlpack__())
    labels = tf.constant(images.labels)
    classes = len(images.class_names)

    def load(batch):
        x = tf.cast(tf.gather(pixels, batch), "float32")
        return x, tf.one_hot(tf.gather(labels, batch), classes)

    return load


def _as_is(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    # To rewrite its graph, `tf.data` copies every tensor in it: all images.
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)


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
        metrics=None,
        # Evaluation on several devices fills up its batches with images of weight 0.
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(),
    )


def jit_compile() -> str | bool:
    """What `compile()` is told: on a CPU, TensorFlow trains three times faster without XLA."""
    compiles = keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU")
    return "auto" if compiles else False


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
