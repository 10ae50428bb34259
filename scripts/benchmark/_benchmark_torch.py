"""Forward passes and training steps of ResNet-50 on PyTorch, by three libraries in turn."""

import contextlib
from collections.abc import Callable

import keras
import torch
from _architectures import LIBRARIES, build

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin._utils._timing import alternate, ratios, spread

DEPTH = 50
TITLES = {"krp": "this package", "keras_hub": "KerasHub"}


def forward(count: int, size: int, dtype: str, runs: int) -> dict[str, list[float]]:
    """Times features without gradients."""
    peer, images = _timm(), torch.randn(count, 3, size, size, device=_device())
    last = images.permute(0, 2, 3, 1).contiguous()
    images = images.contiguous(memory_format=torch.channels_last)

    def peer_pass():
        with torch.no_grad(), _autocast(dtype):
            peer.eval().forward_features(images)

    def own_pass(backbone):
        def run():
            with torch.no_grad():
                backbone(last, training=False)

        return run

    actions = {name: own_pass(_keras(name, dtype)) for name in LIBRARIES}
    return alternate(
        {name: _awaited(x) for name, x in {"timm": peer_pass, **actions}.items()}, runs
    )


def training_step(count: int, size: int, dtype: str, runs: int) -> dict[str, list[float]]:
    """Times steps of gradient descent with momentum, each library with its own optimizer."""
    peer, images = _timm(), torch.randn(count, 3, size, size, device=_device())
    last = images.permute(0, 2, 3, 1).contiguous()
    images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(peer.parameters(), 0.01, 0.9)

    def peer_step():
        optimizer.zero_grad()
        with _autocast(dtype):
            loss = peer.train().forward_features(images).float().mean()
        loss.backward()
        optimizer.step()

    def own_step(backbone):
        weights = backbone.trainable_variables
        optimizer = keras.optimizers.SGD(0.01, 0.9)
        optimizer.build(weights)

        def run():
            backbone.zero_grad()
            backbone(last, training=True).float().mean().backward()
            with torch.no_grad():
                optimizer.apply([weight.value.grad for weight in weights], weights)

        return run

    actions = {name: own_step(_keras(name, dtype)) for name in LIBRARIES}
    return alternate(
        {name: _awaited(x) for name, x in {"timm": peer_step, **actions}.items()}, runs
    )


def report(measured: dict) -> str:
    """Formats the medians, and the times of each library divided by timm's in the same round."""
    count, size, dtype = measured["batch"]
    rows = [
        [
            f"{title}, {TITLES.get(name, name)}",
            spread([value * 1e3 for value in values], " ms", 0),
            spread(ratios(values, seconds["timm"])),
        ]
        for title, seconds in measured["seconds"].items()
        for name, values in seconds.items()
    ]
    how = (
        f"ResNet-{DEPTH}, {count} images of {size} px, {dtype}, PyTorch {measured['torch']}, "
        f"{measured['hardware']}, {measured['threads']} threads, median of {measured['runs']} "
        "alternating runs after a warm-up, with the minimum and maximum in brackets."
    )
    return f"{how}\n\n{table(['', 'time', '/ timm'], rows)}"


def _timm() -> torch.nn.Module:
    # Beside a CPU build of PyTorch, timm does not import without these operators.
    if not hasattr(torch.ops.torchvision, "nms"):
        _timm.library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            _timm.library.define(f"{name}(Tensor dets, Tensor scores, float threshold) -> Tensor")
    import timm

    model = timm.create_model(f"resnet{DEPTH}", num_classes=0)
    return model.to(_device(), memory_format=torch.channels_last)


def _keras(library: str, dtype: str) -> keras.Model:
    keras.config.set_dtype_policy("float32" if dtype == "float32" else f"mixed_{dtype}")
    return build(DEPTH, library)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _autocast(dtype: str) -> contextlib.AbstractContextManager:
    enabled = dtype != "float32"
    return torch.autocast(_device(), getattr(torch, dtype) if enabled else None, enabled=enabled)


def _awaited(action: Callable[[], object]) -> Callable[[], None]:
    def run():
        action()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return run
