"""Trains a classifier by a recipe and saves it as a preset."""

import argparse
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from _data import ImageSet, hold_out, load_images
from _recipe import Recipe, read_recipe

import keras_resblocks_plugin as krp


def build_classifier(recipe: Recipe, class_names: list[str], converter) -> keras.Model:
    size = recipe.image_size
    backbone = krp.ResBlockBackbone(**recipe.backbone, dtype=recipe.dtype)
    return krp.ResBlockImageClassifier(
        backbone,
        num_classes=len(class_names),
        preprocessor=krp.ResBlockImageClassifierPreprocessor(converter),
        dropout=recipe.dropout,
        head_dtype="float32",
        compile=False,
    )


def training_batches(images: ImageSet, rows, recipe: Recipe, converter, seed: int):
    """Endless shuffled, augmented batches of `(images, one-hot labels)`."""
    num_classes = len(images.class_names)
    augment = [keras.layers.RandomFlip("horizontal", seed=seed)] if recipe.flip else []
    if recipe.translation:
        augment.append(
            keras.layers.RandomTranslation(
                recipe.translation, recipe.translation, fill_mode="reflect", seed=seed
            )
        )
    cutmix = keras.layers.CutMix(seed=seed)
    mixup = keras.layers.MixUp(recipe.mixup_alpha or 0.2, seed=seed)

    def load(batch):
        x = tf.numpy_function(lambda i: images.images[i], [batch], tf.uint8)
        x.set_shape((recipe.batch_size, recipe.image_size, recipe.image_size, 3))
        y = tf.one_hot(tf.gather(images.labels, batch), num_classes)
        return tf.cast(x, "float32"), y

    def augment_batch(x, y):
        for layer in augment:
            x = layer(x, training=True)
        data = {"images": x, "labels": y}
        if recipe.mixup_alpha:
            data = mixup(data, training=True)
        if recipe.cutmix_probability:
            data = tf.cond(
                tf.random.uniform([]) < recipe.cutmix_probability,
                lambda: cutmix(data, training=True),
                lambda: data,
            )
        return converter(data["images"]), data["labels"]

    batches = tf.data.Dataset.from_tensor_slices(rows)
    batches = batches.shuffle(len(rows), seed=seed).repeat()
    batches = batches.batch(recipe.batch_size, drop_remainder=True)
    return batches.map(load).map(augment_batch, num_parallel_calls=1).prefetch(4)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    recipe = read_recipe(args.recipe)
    keras.utils.set_random_seed(args.seed)
    images = load_images(args.data, "train", recipe.image_size, args.out / "cache")
    kept, held_out = hold_out(len(images.labels), recipe.holdout, args.seed)
    pixels = images.images[kept[::50]] / 255.0
    mean, std = pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))
    converter = krp.ResBlockImageConverter(
        image_size=(recipe.image_size, recipe.image_size),
        scale=[float(v) for v in 1 / (255 * std)],
        offset=[float(v) for v in -mean / std],
        antialias=True,
    )
    model = build_classifier(recipe, images.class_names, converter)
    model.preprocessor = None
    steps = len(kept) // recipe.batch_size
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=round(steps * (recipe.epochs - recipe.warmup_epochs)),
        warmup_target=recipe.learning_rate,
        warmup_steps=round(steps * recipe.warmup_epochs),
    )
    optimizer = keras.optimizers.SGD(
        schedule, momentum=recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=False,
    )
    x = np.stack([converter(images.images[i : i + 1])[0] for i in held_out])
    y = np.eye(len(images.class_names), dtype="float32")[images.labels[held_out]]
    model.fit(
        training_batches(images, kept, recipe, converter, args.seed),
        validation_data=(x, y),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        callbacks=[
            keras.callbacks.BackupAndRestore(
                str(args.out / "backup"), double_checkpoint=True, delete_checkpoint=False
            ),
            keras.callbacks.CSVLogger(str(args.out / "history.csv"), append=True),
        ],
        verbose=2,
    )


if __name__ == "__main__":
    main()
