"""The order in which `fit` reads arrays."""

import itertools

import keras
import numpy as np

import keras_resblocks_plugin as krp


class Seen(keras.layers.Layer):
    """A preprocessor that records the first pixel of each image."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def call(self, x):
        self.batches.append([int(pixel) for pixel in np.asarray(x)[:, 0, 0, 0]])
        return x


def orders(epochs=3, rows=40, **kwargs):
    """The rows of each epoch, batch by batch."""
    seen = Seen()
    model = krp.ResBlockImageClassifier(
        krp.ResBlockBackbone("basic", [2], [1], [1], [2], [1], [1]), 2, preprocessor=None
    )
    model.preprocessor = lambda x: seen(keras.ops.convert_to_numpy(x))
    images = np.broadcast_to(np.arange(rows).reshape(-1, 1, 1, 1), (rows, 2, 2, 3))
    epochs_of_batches = []

    class Epoch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            # TensorFlow reads two batches before the first epoch for their shapes.
            epochs_of_batches.append(seen.batches[-(rows // 8) :])
            seen.batches = []

    options = dict(batch_size=8, epochs=epochs, verbose=0, callbacks=[Epoch()])
    model.fit(images.astype("float32"), np.arange(rows) % 2, **(options | kwargs))
    return epochs_of_batches


def test_arrays_are_shuffled_in_each_epoch():
    keras.utils.set_random_seed(5)
    found = orders()
    for batches in found:
        assert sorted(itertools.chain(*batches)) == list(range(40))
    flat = [list(itertools.chain(*batches)) for batches in found]
    assert len({tuple(order) for order in [list(range(40)), *flat]}) == 4
    keras.utils.set_random_seed(5)
    assert orders() == found
    keras.utils.set_random_seed(6)
    assert orders() != found


def test_shuffle_false_and_shuffle_batch():
    in_order = np.arange(40).reshape(5, 8).tolist()
    assert orders(shuffle=False) == [in_order] * 3
    found = orders(shuffle="batch")
    assert [[sorted(batch) for batch in batches] for batches in found] == [in_order] * 3
    assert found[0] != in_order
    assert found[0] != found[1]
