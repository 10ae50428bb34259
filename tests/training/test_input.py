"""The batches that classifiers train on and are evaluated on."""

import dataclasses

import keras
import numpy as np
import psutil
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training._classifier import build_converter
from keras_resblocks_plugin.training.data._input import evaluation_batches, training_batches
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.data._resizing import Square
from tests.helpers import to_numpy
from tests.training.decoded import load_images

ROWS = np.arange(120)
UNCHANGED = Augmentation(flip=False, translation=0.0)


@pytest.fixture(scope="module")
def images(dataset, tmp_path_factory):
    return load_images(str(dataset), "train", Square(32), tmp_path_factory.mktemp("cache"))


def test_images_are_read_where_they_lie_and_not_copied(tmp_path):
    count, side = 4000, 96
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", "uint8", (count, side, side, 3))
    array[:, 0, 0, 0] = np.arange(count) % 251
    array.flush()
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    images = ImageSet(mapped, np.zeros(count, "int32"), ["one"])
    identity = keras.layers.Rescaling(1.0)
    process = psutil.Process()
    before = process.memory_info()
    rows = np.arange(count)
    batches = evaluation_batches(images, rows, 10, identity)
    seen = np.concatenate([x[:, 0, 0, 0].copy() for x, _ in map(batches.__getitem__, range(400))])
    np.testing.assert_array_equal(seen, np.arange(count) % 251)
    after = process.memory_info()
    # Memory mapped from a file counts as shared.
    own = (after.rss - after.shared) - (before.rss - before.shared)
    assert own < array.nbytes / 4, own


def test_images_may_lie_anywhere_in_memory(images):
    size = images.images.nbytes
    memory = np.empty(size + 128, "uint8")
    # An address that TensorFlow's kernels would not take.
    start = (1 - memory.ctypes.data) % 64
    pixels = memory[start : start + size].reshape(images.images.shape)
    pixels[...] = images.images
    moved = dataclasses.replace(images, images=pixels)
    identity = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    batches = evaluation_batches(moved, np.arange(40), 20, identity)
    x = np.concatenate([batches[index][0] for index in range(len(batches))])
    np.testing.assert_array_equal(x, images.images[:40])


def test_the_converter_normalizes_the_training_pixels(images):
    converter = build_converter(images.images, 32)
    converted = keras.ops.convert_to_numpy(converter(images.images.astype("float32")))
    # The stored factors have eight digits.
    np.testing.assert_allclose(converted.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(converted.std((0, 1, 2)), 1, atol=1e-4)


def test_images_of_the_right_size_are_converted_without_resizing(images):
    converter = build_converter(images.images, 32)
    batches = training_batches(images, ROWS, 20, UNCHANGED, converter, seed=0)
    x, _ = next(iter(batches))
    resized = keras.ops.convert_to_numpy(converter(images.images.astype("float32")))
    for image in x:
        # What resizing to the same size does to a float is rounding.
        assert min(np.abs(image - other).max() for other in resized) < 1e-5


def test_a_shift_keeps_images_sharp(images):
    shifted = Augmentation(flip=False, translation=0.2)
    identity = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    batches = training_batches(images, ROWS, 20, shifted, identity, seed=0)
    x, _ = next(iter(batches))
    originals = images.images.reshape(120, -1, 3)
    moved = 0
    for image in x:
        # A blend of two pixels would be a colour that no image has.
        colours = {tuple(pixel) for pixel in image.reshape(-1, 3)}
        assert any(colours <= {tuple(pixel) for pixel in other} for other in originals)
        moved += not any(np.array_equal(image.reshape(-1, 3), other) for other in originals)
    assert moved > len(x) / 2


def test_batches_are_augmented_and_keep_their_labels(images):
    flipped_only = Augmentation(flip=True, translation=0.0)
    identity = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    batches = training_batches(images, ROWS, 20, flipped_only, identity, seed=0)
    x, y = next(iter(batches))
    assert x.shape == (20, 32, 32, 3)
    np.testing.assert_array_equal(np.argmax(x.mean((1, 2)), axis=1), np.argmax(y, axis=1))
    originals = images.images.astype("float32")
    mirrored = originals[:, :, ::-1]
    same = [any(np.array_equal(image, other) for other in originals) for image in x]
    flipped = [any(np.array_equal(image, other) for other in mirrored) for image in x]
    assert all(a != b for a, b in zip(same, flipped, strict=True))
    assert 0 < sum(flipped) < 20

    mixed = dataclasses.replace(flipped_only, mixup_alpha=0.4)
    batches = training_batches(images, ROWS, 20, mixed, identity, seed=0)
    _, y = next(iter(batches))
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    assert np.any((y > 0.01) & (y < 0.99))


def test_the_order_does_not_depend_on_earlier_iterators(images):
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    batches = training_batches(images, ROWS, 40, UNCHANGED, converter, 0)

    def start():
        """The first seven batches, which are more than two epochs."""
        iterator = iter(batches)
        return np.stack([to_numpy(next(iterator)[1]) for _ in range(7)])

    first = start()
    np.testing.assert_array_equal(start(), first)
    assert not np.array_equal(first[:3], first[3:6])
    # An epoch has every image once.
    np.testing.assert_array_equal(first[:3].sum((0, 1)), first[3:6].sum((0, 1)))


def test_memory_stays_flat_over_an_epoch(tmp_path):
    size, count, batch = 128, 4000, 100
    # 197 MB that the file system need not even store.
    pixels = np.lib.format.open_memmap(
        tmp_path / "images.npy", "w+", "uint8", (count, size, size, 3)
    )
    pixels.flush()
    pixels = np.load(tmp_path / "images.npy", mmap_mode="c")
    images = ImageSet(pixels, np.zeros(count, "int32"), ["a", "b"])
    converter = krp.ResBlockImageConverter(image_size=(size, size), scale=1.0)
    rows = np.arange(count)
    batches = iter(training_batches(images, rows, batch, UNCHANGED, converter, 0))
    own = []
    for _ in range(count // batch + 10):
        next(batches)
        memory = psutil.Process().memory_info()
        # What the system can drop and read again from the file is not the process's own.
        own.append(memory.rss - memory.shared)
    # After ten batches all buffers are there; ten more, of 20 MB each, may come and go.
    assert max(own[10:]) - own[10] < 100e6, [x >> 20 for x in own]
