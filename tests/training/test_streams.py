"""Batches of records: larger than memory, and made from the seed and the step alone."""

import keras
import numpy as np
import psutil

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.data import _records, _streams

# 786 MB, which the file system need not even store.
SHAPE, COUNT, BATCH = (512, 512, 3), 1000, 5
IDENTITY = krp.ResBlockImageConverter()


def test_memory_stays_flat_over_an_epoch(tmp_path):
    size = COUNT * int(np.prod(SHAPE))
    file = tmp_path / "images.bin"
    with file.open("wb") as stream:
        stream.truncate(size)
    batches = _streams.training_batches(
        [_records.Records(file, COUNT, SHAPE)],
        augment=lambda image, rng: (image, np.float32(0)),
        batch_size=BATCH,
        converter=IDENTITY,
        seed=0,
    )
    reading = iter(batches.starting_at(0))
    process = psutil.Process()
    before = process.memory_info()
    own = []
    for _ in range(COUNT // BATCH):
        next(reading)
        after = process.memory_info()
        # Memory mapped from a file counts as shared.
        own.append((after.rss - after.shared) - (before.rss - before.shared))
    assert max(own) < size / 2, [x >> 20 for x in own]


def batches_of(parts, seed=0):
    def augment(image, box, rng):
        return image, {"boxes": box, "draws": rng.random(2)}

    return _streams.training_batches(parts, augment, 4, IDENTITY, seed)


def test_batches_depend_on_the_seed_and_their_step_alone():
    rows = np.arange(10, dtype="uint8")
    parts = rows[:, None, None, None] * np.ones((1, 2, 2, 3), "uint8"), rows
    reading = iter(batches_of(parts).starting_at(0))
    whole = [next(reading) for _ in range(15)]
    for start in (0, 7):
        reading = iter(batches_of(parts).starting_at(start))
        for batch in whole[start:]:
            keras.tree.map_structure(np.testing.assert_array_equal, next(reading), batch)
    seen = np.concatenate([labels["boxes"] for _, labels in whole]).reshape(-1, 10)
    assert (np.sort(seen) == rows).all()
    assert len(np.unique(seen, axis=0)) == len(seen)
    for x, labels in whole:
        np.testing.assert_array_equal(x[:, 0, 0, 0], labels["boxes"])
    # Each image of each epoch has draws of its own, and so have those of another seed.
    _, other = next(iter(batches_of(parts, seed=1).starting_at(0)))
    draws = np.concatenate([*(labels["draws"] for _, labels in whole), other["draws"]])
    assert len(np.unique(draws)) == draws.size


def test_evaluation_batches_are_in_order():
    rows = np.arange(5, dtype="uint8")
    parts = rows[:, None, None, None] * np.ones((1, 2, 2, 3), "uint8"), rows
    batches = _streams.evaluation_batches(parts, lambda x, y: (x, y), 2, IDENTITY)
    assert [y.tolist() for _, y in batches] == [[0, 1], [2, 3], [4]]
    assert [x[:, 0, 0, 0].tolist() for x, _ in batches] == [[0, 1], [2, 3], [4]]
