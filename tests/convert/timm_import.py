"""Import of timm, if it is installed."""

import pytest

_OPERATORS = []


def import_timm():
    """Imports timm, or skips the calling module if PyTorch or timm is not installed.

    timm imports torchvision, whose wheels are built for PyTorch with CUDA. With PyTorch's CPU
    build its operators do not load, and its import fails: "operator torchvision::nms does not
    exist". No ResNet uses them, so declaring the two operators is enough.
    """
    reason = "timm's networks are PyTorch's; `.ci/run` installs both for its PyTorch step."
    torch = pytest.importorskip("torch", reason=reason)
    try:
        pytest.importorskip("torchvision", reason=reason, exc_type=ModuleNotFoundError)
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _OPERATORS.append(library)
    return pytest.importorskip("timm", reason=reason)
