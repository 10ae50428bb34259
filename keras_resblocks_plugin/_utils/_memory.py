"""Large arrays that become tensors without a copy and do not fragment the heap."""

import contextlib
import math
import mmap
from typing import Any

import keras
import numpy as np

# For smaller arrays, less fragmentation is not worth a system call.
_SMALLEST_BYTES = 1 << 16
# Private: a forked process must not write into the weights of its parent.
_FLAGS = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}


def empty_array(shape: tuple[int, ...], dtype: np.dtype | str) -> np.ndarray:
    """An uninitialized array, as from `np.empty()`. Large ones have memory pages of their own.

    `malloc()` keeps freed memory between the tensors that stay, so that the peak of a loader
    would grow with every array it reads. Pages return to the system at once.
    """
    dtype = np.dtype(dtype)
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes < _SMALLEST_BYTES:
        return np.empty(shape, dtype)
    pages = mmap.mmap(-1, nbytes, **_FLAGS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # Halves the time of the first access. Kernels without huge pages refuse.
        with contextlib.suppress(OSError):
            pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape)


def to_tensor(array: np.ndarray) -> Any:
    """The array as a tensor of the backend, in the same memory if the backend supports that.

    Keras' own conversion copies once with PyTorch, and twice with TensorFlow, which also keeps
    the memory of the second copy.
    """
    # TensorFlow assumes that the memory is aligned. Only pages are.
    in_pages = array.ctypes.data % mmap.PAGESIZE == 0
    if in_pages and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    if in_pages and keras.backend.backend() == "torch":
        import torch

        return torch.from_dlpack(array)
    # JAX does not copy pages if it is told the dtype.
    return keras.ops.convert_to_tensor(array, dtype=array.dtype.name)
