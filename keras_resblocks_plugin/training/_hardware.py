"""The hardware that a run is measured on, as its record names it."""

import os
import platform
from pathlib import Path

import keras


def hardware() -> str:
    """Returns the processor and its cores, or the accelerators."""
    accelerators = _accelerators()
    if accelerators:
        return f"{len(accelerators)} of {accelerators[0]}"
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        name = next((x.split(": ")[1] for x in lines if x.startswith("model name")), name)
    return f"{os.cpu_count()} cores of {name}"


def _accelerators() -> list[str]:
    if keras.backend.backend() == "torch":
        # Keras has no `distribution` on PyTorch.
        import torch

        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
