"""The choice of where images lie while a classifier trains: encoded, or decoded in memory."""

from pathlib import Path
from typing import Literal, get_args

from keras_resblocks_plugin._utils._validation import check_choice

InputMode = Literal["auto", "stream", "array"]
# Of `train`.
TrainInputMode = Literal["auto", "stream", "array", "device"]
# The share of the memory that decoded images may take before `"auto"` streams them.
_SHARE = 0.5
# The memory that the system grants a container.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def choose_mode(mode: InputMode, size: int) -> Literal["stream", "array"]:
    """Chooses whether to decode images into memory.

    Args:
        mode: The user's choice.
        size: The bytes of all decoded images.

    Raises:
        ValueError: If they are to be decoded into memory and do not fit.
    """
    check_choice("input", mode, get_args(InputMode))
    memory = total_memory()
    if mode == "auto":
        return "array" if size <= _SHARE * memory else "stream"
    if mode == "array" and size > memory:
        raise ValueError(
            f"`input='array'` needs {gigabytes(size)} of memory for the decoded images, and this "
            f"machine has {gigabytes(memory)}. Use `input='stream'`."
        )
    return mode


def total_memory() -> int:
    """Returns the bytes of memory of this machine, or of this container."""
    import psutil

    sizes = [psutil.virtual_memory().total]
    for file in map(Path, _LIMITS):
        if file.exists() and file.read_text().strip().isdigit():
            sizes.append(int(file.read_text()))
    return min(sizes)


def gigabytes(size: int) -> str:
    """Returns a size in bytes as an error names it."""
    return f"{size / 1e9:,.1f} GB"
