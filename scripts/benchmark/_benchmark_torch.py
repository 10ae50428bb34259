"""Forward passes and training steps of ResNet-50 on PyTorch, by three libraries in turn."""

import contextlib
import statistics
from collections.abc import Callable

import keras
import torch
from _architectures import LIBRARIES, build

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin._utils._timing import alternate, ratios, spread

DEPTH = 50
TITLES = {"krp": "this package", "keras_hub": "KerasHub"}
MEMORY_FORMATS = {
    "timm, channels first": torch.contiguous_format,
    "timm, channels last": torch.channels_last,
}


def forward(count: int, size: int, dtype: str, runs: int) -> dict[str, list[float]]:
    """Times features without gradients."""
    first, last = _images(count, size)

    def peer_pass(peer, images):
        def run():
            with torch.no_grad(), _autocast(dtype):
                peer.forward_features(images)

        return run

    def own_pass(backbone):
        def run():
            with torch.no_grad():
                backbone(last, training=False)

        return run

    peers = {name: peer_pass(*_peer(x, first)) for name, x in MEMORY_FORMATS.items()}
    own = {name: own_pass(_keras(name, dtype)) for name in LIBRARIES}
    return alternate({name: _awaited(x) for name, x in (peers | own).items()}, runs)


def training_step(count: int, size: int, dtype: str, runs: int) -> dict[str, list[float]]:
    """Times steps of gradient descent with momentum, each library with its own optimizer."""
    first, last = _images(count, size)

    def peer_step(peer, images):
        peer.train()
        optimizer = torch.optim.SGD(peer.parameters(), 0.01, 0.9)

        def run():
            optimizer.zero_grad()
            with _autocast(dtype):
                loss = peer.forward_features(images).float().mean()
            loss.backward()
            optimizer.step()

        return run

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

    peers = {name: peer_step(*_peer(x, first)) for name, x in MEMORY_FORMATS.items()}
    own = {name: own_step(_keras(name, dtype)) for name in LIBRARIES}
    return alternate({name: _awaited(x) for name, x in (peers | own).items()}, runs)


def report(measured: dict) -> str:
    """Formats the medians, and the times divided by those of timm's faster memory format."""
    count, size, dtype = measured["batch"]
    rows = []
    for title, seconds in measured["seconds"].items():
        fastest = min((seconds[name] for name in MEMORY_FORMATS), key=statistics.median)
        for name, values in seconds.items():
            milliseconds = spread([value * 1e3 for value in values], " ms", 0)
            row = f"{title}, {TITLES.get(name, name)}"
            rows.append([row, milliseconds, spread(ratios(values, fastest))])
    versions = ", ".join(" ".join(entry) for entry in measured["versions"].items())
    how = (
        f"ResNet-{DEPTH}, {count} images of {size} px, {dtype}, {versions}, "
        f"{measured['hardware']}, {measured['threads']} threads, median of {measured['runs']} "
        "alternating runs after a warm-up, with the minimum and maximum in brackets. The ratio is "
        "taken round by round, to the memory format in which timm is faster."
    )
    return f"{how}\n\n{table(['', 'time', '/ timm'], rows)}"


def _images(count: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with channels first and with channels last in their shape and in memory."""
    first = torch.randn(count, 3, size, size, device=_device())
    return first, first.permute(0, 2, 3, 1).contiguous()


def _peer(
    memory_format: torch.memory_format, images: torch.Tensor
) -> tuple[torch.nn.Module, torch.Tensor]:
    """timm's network, and the images, in a memory format."""
    # Beside a CPU build of PyTorch, timm does not import without these operators.
    if not hasattr(torch.ops.torchvision, "nms"):
        _peer.library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            _peer.library.define(f"{name}(Tensor dets, Tensor scores, float threshold) -> Tensor")
    import timm

    model = timm.create_model(f"resnet{DEPTH}", num_classes=0).eval()
    model = model.to(_device(), memory_format=memory_format)
    return model, images.contiguous(memory_format=memory_format)


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
