"""timm, where it can be imported."""

import pytest

_OPERATORS = []


def import_timm():
    """timm; the module that asks for it is skipped where there is no PyTorch, or no timm.

    timm imports torchvision, whose wheels are built for PyTorch with CUDA. Beside PyTorch's
    CPU build its operators do not load, and its import fails where it describes two of
    them: "operator torchvision::nms does not exist". No ResNet uses them, so they are declared.
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
