"""The kinds of data that Keras trains on, each made of the same images and labels."""

import grain
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tiny import photos

X, Y = photos(7), np.array([0, 1, 2, 0, 1, 2, 0])
BATCH = 3


class Rows(keras.utils.PyDataset):
    def __init__(self, x, y, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return self.x[rows], self.y[rows]


def generate(x, y):
    for start in range(0, len(x), BATCH):
        yield x[start : start + BATCH], y[start : start + BATCH]


def load_with_torch(x, y):
    data = pytest.importorskip("torch.utils.data")
    pairs = [(image, label) for image, label in zip(x, y, strict=True)]
    return data.DataLoader(pairs, batch_size=BATCH)


def stream_with_torch(x, y):
    data = pytest.importorskip("torch.utils.data")

    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(zip(x, y, strict=True))

    return data.DataLoader(Stream(), batch_size=BATCH)


def map_with_grain(x, y):
    return grain.MapDataset.source(list(zip(x, y, strict=True))).batch(BATCH)


def load_with_grain(x, y):
    return grain.DataLoader(
        data_source=list(zip(x, y, strict=True)),
        sampler=grain.samplers.IndexSampler(
            num_records=len(x), num_epochs=1, shard_options=grain.sharding.NoSharding()
        ),
        operations=[grain.transforms.Batch(BATCH)],
    )


KINDS = {
    "arrays": lambda x, y: (x, y),
    "lists": lambda x, y: (list(x), list(y)),
    "tensors": lambda x, y: (keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)),
    "PyDataset": lambda x, y: (Rows(x, y),),
    "PyDataset with workers": lambda x, y: (Rows(x, y, workers=2, use_multiprocessing=True),),
    "generator": lambda x, y: (generate(x, y),),
    "tf.data": lambda x, y: (tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH),),
    "DataLoader": lambda x, y: (load_with_torch(x, y),),
    "DataLoader of a stream": lambda x, y: (stream_with_torch(x, y),),
    "grain.MapDataset": lambda x, y: (map_with_grain(x, y),),
    "grain.IterDataset": lambda x, y: (map_with_grain(x, y).to_iter_dataset(),),
    "grain.DataLoader": lambda x, y: (load_with_grain(x, y),),
}
