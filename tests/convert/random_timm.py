"""Networks of timm with random weights, compared with their conversions and with the way back."""

import gc
import json
from pathlib import Path
from typing import Any

import numpy as np

# Odd, then even.
SIZES = (65, 96)
# Networks with more parameters are not compared with themselves in float64.
_MOST_IN_FLOAT64 = 700e6


def compare(name: str, folder: Path, **arguments: Any) -> dict[str, Any]:
    """Converts a network with random weights from timm and back.

    Args:
        name: timm's name of the network.
        folder: An empty folder for both files.
        **arguments: timm's arguments that differ from those of the name.

    Returns:
        The number of parameters, the largest difference of the logits, that between timm's own in
        float32 and float64 (both as parts of the logits' range), and the name on the way back.
    """
    import timm

    import keras_resblocks_plugin as krp

    model = timm.create_model(name, **arguments).eval()
    randomize(model, seed=0)
    parameters = sum(weight.numel() for weight in model.parameters())
    images = [
        np.random.default_rng(size).normal(size=(1, 3, size, size)).astype("float32")
        for size in SIZES
    ]
    expected = _logits(model, images)
    timm.models.save_for_hf(model, folder / "theirs", model_args=arguments, safe_serialization=True)
    precise = expected
    if parameters <= _MOST_IN_FLOAT64:
        precise = _logits(model.double(), [x.astype("float64") for x in images])
    del model
    _collect(parameters)
    classifier = krp.convert.from_timm(folder / "theirs")
    axes = (0, 2, 3, 1) if classifier.backbone.data_format == "channels_last" else (0, 1, 2, 3)
    ours = [_to_numpy(classifier(x.transpose(axes))) for x in images]
    krp.convert.to_timm(classifier, folder / "ours")
    del classifier
    _collect(parameters)
    back = _load_back(folder)
    return {
        "parameters": parameters,
        "difference": _difference(ours, expected),
        "timm_difference": _difference(precise, expected),
        "back": back,
    }


def _collect(parameters: int) -> None:
    # It takes seconds, and models of Keras have cycles.
    if parameters > 300e6:
        gc.collect()


def randomize(model: Any, seed: int) -> None:
    """Makes every weight of a network random, so that none of them can be ignored unnoticed.

    timm starts the last scale of a block at zero, where a block's residual branch computes
    nothing. Here it is 0.1 to 0.4, with which the deepest networks stay finite.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    tensors = model.state_dict()
    for key, tensor in tensors.items():
        if key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.ndim == 1:
            tensor.normal_(1.0 * key.endswith("weight"), 0.25, generator=generator)
        elif key.endswith("fc.weight"):
            tensor.normal_(0, tensor.shape[1] ** -0.5, generator=generator)
    for block in model.modules():
        if hasattr(block, "zero_init_last"):
            last_scale(block).uniform_(0.1, 0.4, generator=generator)


def last_scale(block: Any) -> Any:
    """Returns the scale of the last norm in a block of timm."""
    for name in ("bn3", "bn2", "norm3", "norm2"):
        if hasattr(block, name):
            return getattr(block, name).weight.data
    return block.conv3.bn.weight.data


def _logits(model: Any, images: list[np.ndarray]) -> list[np.ndarray]:
    import torch

    with torch.no_grad():
        return [model(torch.from_numpy(x)).numpy() for x in images]


def _to_numpy(x: Any) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(x)


def _difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Returns the largest difference at any size, as a part of the logits' range."""
    for logits in theirs:
        if not np.isfinite(logits).all() or np.ptp(logits) < 0.1:
            raise ValueError("The logits of timm must be finite, and differ.")
    return max(
        float(np.abs(a.astype("float64") - b).max() / np.ptp(b))
        for a, b in zip(ours, theirs, strict=True)
    )


def _load_back(folder: Path) -> str:
    """Loads what `to_timm` wrote, strictly, and compares it with the original tensors."""
    import timm
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file

    config = json.loads((folder / "ours" / "config.json").read_text())
    with torch.device("meta"):
        model = timm.create_model(config["architecture"], **config.get("model_args", {}))
    tensors = load_file(folder / "ours" / "model.safetensors")
    model.load_state_dict(tensors, strict=True, assign=True)
    with safe_open(folder / "theirs" / "model.safetensors", framework="pt") as theirs:
        for key in theirs.keys():  # noqa: SIM118 (no dictionary)
            if not torch.equal(theirs.get_tensor(key), tensors[key]):
                raise ValueError(f"{key} changed on the way there and back.")
    return config["architecture"]
