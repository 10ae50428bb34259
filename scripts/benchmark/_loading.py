"""Training batches of made JPEGs on one thread, by this package and by timm."""

import collections
import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training._classifier import new_converter
from keras_resblocks_plugin.training.data._images import open_image
from keras_resblocks_plugin.training.data._labelled_images import open_split
from keras_resblocks_plugin.training.data._scaling import Scaling
from keras_resblocks_plugin.training.data._sources import load
from keras_resblocks_plugin.training.data._training import AugmentedBatches
from keras_resblocks_plugin.training.data.augmentation._crop import crop_box, random_resized_crop

SIZE = (224, 224)
CROPPED = Augmentation(translation=0.0, crop_probability=1.0)
# The order of images is drawn among as many as ImageNet has.
ROWS = 1_281_167


def make_jpegs(folder: Path, count: int) -> list[Path]:
    """Writes JPEGs of 500x375 pixels with the spectrum of photographs: 1 / frequency."""
    rng, size = np.random.default_rng(0), (375, 500)
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1]))
    frequency[0, 0] = np.inf
    files = [folder / f"class{row % 4}" / f"{row}.jpg" for row in range(count)]
    for file in files:
        # Channels that resemble each other, as those of photographs do.
        noise = rng.normal(size=size) + 0.4 * rng.normal(size=(3, *size))
        shapes = np.fft.irfft2(np.fft.rfft2(noise) / frequency, size)
        pixels = (128 + 55 * shapes / shapes.std()).clip(0, 255).astype("uint8")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0).copy()).save(file, quality=90)
    return files


def own_passes(folder: Path, batch_size: int, batches: int) -> list[Callable[[], None]]:
    """Returns passes over batches as `stream` makes them, and over those that `fit` reads."""
    split = open_split(str(folder / "data"), "train", folder / "cache")
    images = load(split, None, np.arange(len(split)), "stream")
    rows, steps = np.resize(np.arange(len(split)), ROWS), itertools.count()
    make = AugmentedBatches(images, rows, batch_size, CROPPED, SIZE, seed=0)
    scaling = Scaling(new_converter(SIZE[0], scale=[1 / 58, 1 / 57, 1 / 57], offset=[-2.1, -2, -2]))

    def read(finish=lambda pixels: pixels):
        for step in itertools.islice(steps, batches):
            finish(make(step)[0])

    return [read, functools.partial(read, scaling)]


def timm_passes(folder: Path, batch_size: int) -> list[Callable[[], None]]:
    """Returns passes over the uint8 batches of timm's loader, and over those it has normalized."""
    import torch

    from tests.convert.timm_import import import_timm

    timm = import_timm()
    torch.set_num_threads(1)
    loader = timm.data.create_loader(
        timm.data.ImageDataset(str(folder)),
        (3, *SIZE),
        batch_size,
        is_training=True,
        color_jitter=None,
        num_workers=0,
        persistent_workers=False,
        device=torch.device("cpu"),
    )
    # A deque of no length reads all.
    return [functools.partial(collections.deque, x, 0) for x in (loader.loader, loader)]


def crop_difference(files: list[Path]) -> float:
    """Returns the mean difference of crops from Pillow's `resize(box=…)`, in levels of 256."""
    differences = []
    for seed, file in enumerate(files):
        crop = random_resized_crop(open_image(file), np.random.default_rng(seed), CROPPED, SIZE)
        with Image.open(file) as image:
            top, left, rows, columns = crop_box(
                *image.size[::-1],
                CROPPED.crop_scale,
                CROPPED.crop_ratio,
                np.random.default_rng(seed),
            )
            box = left, top, left + columns, top + rows
            expected = image.resize(SIZE, Image.Resampling.BILINEAR, box=box)
        differences.append(np.abs(np.array(crop, int) - np.asarray(expected)).mean())
    return float(np.mean(differences))
