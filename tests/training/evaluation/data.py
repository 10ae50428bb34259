"""Datasets of named classes, and presets of these classes among others."""

import datasets
import numpy as np
from PIL import Image

import keras_resblocks_plugin as krp

# The preset's classes.
NAMES = ["cat", "dog", "fox", "owl", "rat", "yak"]
COUNT = 24


def pictures(count: int = COUNT) -> list[Image.Image]:
    """Coarse patterns, of the size that the presets of `save_preset` see."""
    pixels = np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3), "uint8")
    return [Image.fromarray(x).resize((32, 32)) for x in pixels]


def save_named(folder, names, labels=None, images=None):
    """A validation split whose images have the classes `names` in turn."""
    images = pictures() if images is None else images
    labels = [index % len(names) for index in range(len(images))] if labels is None else labels
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=names))
    rows = datasets.Dataset.from_dict({"image": images, "label": labels}, features=features)
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(folder / "validation-00000-of-00001.parquet")
    return folder


def save_preset(folder, class_names=NAMES, **options):
    """A classifier whose logits differ from image to image."""
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1 / 64, offset=-2.0)
    classifier = krp.ResBlockImageClassifier(
        krp.ResBlockBackbone("bn", [8], [1], [2], [8], [3], [2]),
        class_names=class_names,
        preprocessor=krp.ResBlockImageClassifierPreprocessor(converter),
        **options,
    )
    kernel = np.random.default_rng(0).normal(size=(8, len(class_names)))
    classifier.output_dense.kernel.assign(3 * kernel)
    classifier.save_to_preset(str(folder))
    return folder


def predicted(preset) -> np.ndarray:
    """The outputs of `predict` for `pictures()`."""
    classifier = krp.ResBlockImageClassifier.from_preset(str(preset), compile=False)
    return classifier.predict(np.stack([*map(np.asarray, pictures())]).astype("float32"), verbose=0)
