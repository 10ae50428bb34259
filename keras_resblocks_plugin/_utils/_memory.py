"""Large arrays that become tensors without a copy, and leave no hole in the heap."""

import contextlib
import math
import mmap
from typing import Any

import keras
import numpy as np

# Below this the holes are not worth a system call.
_SMALLEST_BYTES = 1 << 16
# Private as other memory is: a forked process must not write into its parent's weights.
_FLAGS = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}


def empty_array(shape: tuple[int, ...], dtype: np.dtype | str) -> np.ndarray:
    """An array like that of `np.empty()`, where it is large in memory pages of its own.

    `malloc()` keeps what it gets back as holes between the tensors that stay, so that a
    loader's peak would grow with every array it reads. Pages go back at once.
    """
    dtype = np.dtype(dtype)
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes < _SMALLEST_BYTES:
        return np.empty(shape, dtype)
    pages = mmap.mmap(-1, nbytes, **_FLAGS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # Half the time of touching them for the first time. A kernel without them refuses.
        with contextlib.suppress(OSError):
            pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape)


def to_tensor(array: np.ndarray) -> Any:
    """The array as a tensor of the backend, in the same memory where the backend can.

    Keras' own conversion copies: once with PyTorch, and twice with TensorFlow, which keeps
    the memory of the second copy besides.
    """
    # TensorFlow trusts that memory it is handed is aligned, as only pages are.
    in_pages = array.ctypes.data % mmap.PAGESIZE == 0
    if in_pages and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    if in_pages and keras.backend.backend() == "torch":
        import torch

        return torch.from_dlpack(array)
    # JAX copies nothing that is in pages, once it is told the dtype.
    return keras.ops.convert_to_tensor(array, dtype=array.dtype.name)
