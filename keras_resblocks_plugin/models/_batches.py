"""Batches of any data that `keras.Model` accepts, preprocessed while Keras reads them."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

# Batches that grain reads ahead; its own default is 500.
READ_AHEAD = 8


class ArrayBatches(keras.utils.PyDataset):
    """Batches of arrays, or of lists of images of several sizes.

    Args:
        data: tuple. Arrays, lists, tuples and dicts of these, or `None`, all of one length.
        batch_size: int. The number of rows of a batch.
        shuffle: bool or `"batch"`. `True` shuffles all rows in each pass, `"batch"` the rows inside
            each batch. Defaults to `False`.
    """

    def __init__(self, data: tuple, batch_size: int, shuffle: bool | str = False):
        super().__init__()
        lengths = {count_rows(part) for part in data if part is not None}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                "`x`, `y` and `sample_weight` must have the same number of rows, at least one. "
                f"Received: {' and '.join(map(str, sorted(lengths)))} rows"
            )
        (self._rows,) = lengths
        self._data, self._batch_size, self._shuffle = data, batch_size, shuffle
        # `keras.utils.set_random_seed()` seeds this one draw. The passes use a generator of their
        # own, since they may run in another thread.
        self._rng = np.random.default_rng(np.random.randint(2**31)) if shuffle else None

    @property
    def num_batches(self) -> int:
        return math.ceil(self._rows / self._batch_size)

    def __getitem__(self, index: int) -> tuple:
        # Keras does not shuffle these batches, so that index 0 starts a pass.
        if index == 0:
            self._order = np.arange(self._rows)
            if self._shuffle and self._shuffle != "batch":
                self._rng.shuffle(self._order)
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        if self._shuffle == "batch":
            rows = self._rng.permutation(rows)
        return self._take(rows)

    def sample(self) -> tuple:
        """The first row, and for a list of images also the first one of another size, if any."""
        images = self._data[0] if isinstance(self._data[0], list) else [np.empty(0)]
        shapes = [image.shape for image in images]
        others = (row for row, shape in enumerate(shapes) if shape != shapes[0])
        return self._take(np.array([0, *itertools.islice(others, 1)]))

    def _take(self, rows: np.ndarray) -> tuple:
        return tuple(None if part is None else take_rows(part, rows) for part in self._data)


class GrainBatches(keras.utils.PyDataset):
    """A finite `grain.MapDataset`, in its next order in each pass.

    Keras does not ask a grain dataset for its length. It asks this.
    """

    def __init__(self, dataset: Any):
        super().__init__()
        self._length, self._repeated, self._pass = len(dataset), dataset.repeat(), 0

    @property
    def num_batches(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        import grain

        if index == 0:
            start = self._pass * self._length
            batches = self._repeated[start : start + self._length]
            self._batches = iter(batches.to_iter_dataset(grain.ReadOptions(READ_AHEAD, READ_AHEAD)))
        if index == self._length - 1:
            self._pass += 1
        return next(self._batches)


class MappedBatches(keras.utils.PyDataset):
    """A `PyDataset` with a function applied to each batch.

    Its workers are threads, since the function calls the backend, which does not survive a fork.
    """

    def __init__(self, dataset: keras.utils.PyDataset, function: Callable[[Any], tuple]):
        super().__init__(workers=dataset.workers, max_queue_size=dataset.max_queue_size)
        self._dataset, self._function = dataset, function

    @property
    def num_batches(self) -> int | None:
        return self._dataset.num_batches

    def __getitem__(self, index: int) -> tuple:
        return self._function(self._dataset[index])

    def on_epoch_begin(self) -> None:
        self._dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._dataset.on_epoch_end()


def map_torch_loader(
    loader: Any, function: Callable[[Any], tuple], look: Callable[[Any], None]
) -> Any:
    """A `DataLoader` with `function` applied to each batch, and `look` to the first one before."""
    import torch

    opened = iter(loader)
    first = list(itertools.islice(opened, 1))
    for batch in first:
        look(batch)
    unread = [itertools.chain(first, opened)]

    class Mapped(torch.utils.data.IterableDataset):
        def __iter__(self) -> Iterator[tuple]:
            for batch in unread.pop() if unread else loader:
                yield keras.tree.map_structure(torch.as_tensor, function(batch))

    class MappedOfKnownLength(Mapped):
        def __len__(self) -> int:
            return len(loader)

    known = hasattr(loader.dataset, "__len__")
    return torch.utils.data.DataLoader(
        MappedOfKnownLength() if known else Mapped(), batch_size=None
    )


def read_grain_loader(loader: Any) -> Any:
    """A `grain.IterDataset` over a `grain.DataLoader`, which has no `map()`."""
    import grain

    class Iterator(grain.DatasetIterator):
        def __init__(self):
            super().__init__()
            self._batches = iter(loader)

        def __next__(self) -> Any:
            return next(self._batches)

        def get_state(self) -> dict:
            return self._batches.get_state()

        def set_state(self, state: dict) -> None:
            self._batches.set_state(state)

    class Dataset(grain.IterDataset):
        def __iter__(self) -> Iterator:
            return Iterator()

    return Dataset()


def count_rows(part: Any) -> int:
    """The number of rows of an array, a list, or a dict of arrays."""
    if isinstance(part, dict):
        return count_rows(next(iter(part.values())))
    if not hasattr(part, "__len__") or getattr(part, "ndim", 1) == 0:
        raise ValueError(
            "`x` must be images or batches of them: an array, a tensor, a list, a generator, a "
            "`tf.data`, `grain` or PyTorch dataset, or a `keras.utils.PyDataset`. "
            f"Received: {part!r}"
        )
    return len(part)


def take_rows(part: Any, rows: Any) -> Any:
    """Some rows of an array, a list, or a dict of arrays."""
    if isinstance(part, dict):
        return {key: take_rows(value, rows) for key, value in part.items()}
    return [part[row] for row in rows] if isinstance(part, list) else part[rows]


def to_array(leaf: Any) -> Any:
    """A NumPy array of a tensor on any device, without a copy if it is on the host."""
    if leaf is None or isinstance(leaf, np.ndarray):
        return leaf
    return keras.ops.convert_to_numpy(leaf) if keras.ops.is_tensor(leaf) else np.asarray(leaf)


def to_arrays(part: Any) -> Any:
    """NumPy arrays of tensors and of lists of numbers. A list of images stays a list."""
    if isinstance(part, dict):
        return {key: to_arrays(value) for key, value in part.items()}
    if isinstance(part, list | tuple) and len(part) and to_array(part[0]).ndim > 1:
        return [to_array(image) for image in part]
    return to_array(part)


def single(part: Any, rank: int | None = None) -> Any:
    """The array in a list of one, which Keras accepts for a model with one input.

    Args:
        part: Images or labels from the user.
        rank: int. The rank of such an array. Defaults to any rank.
    """
    if isinstance(part, list | tuple) and len(part) == 1 and hasattr(part[0], "shape"):
        return part[0] if rank in (None, len(part[0].shape)) else part
    return part


def narrow(part: Any) -> Any:
    """Casts float64 to Keras' `floatx`, as Keras does: not every device has float64."""
    if isinstance(part, np.ndarray) and part.dtype == np.float64:
        return part.astype(keras.config.floatx())
    return part


def split_rows(data: tuple, validation_split: float) -> tuple[tuple, tuple]:
    """The first rows to train on and the last ones to validate on, split as Keras splits them."""
    if not hasattr(data[0], "shape") and not isinstance(data[0], list):
        raise ValueError(
            "`validation_split` must be left out where `x` is no array or list of images; give "
            f"`validation_data`. Received: x of type {type(data[0]).__name__}"
        )
    data = tuple(to_arrays(part) for part in data)
    rows = count_rows(data[0])
    first = math.floor(rows * (1 - validation_split))
    if first in (0, rows):
        raise ValueError(
            "`validation_split` must leave images on both sides. "
            f"Received: validation_split={validation_split}, {rows} images"
        )
    return tuple(
        tuple(part if part is None else part[rows] for part in data)
        for rows in (slice(first), slice(first, None))
    )
