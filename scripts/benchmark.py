"""Times this backbone beside KerasHub's ResNet of the same architecture, in turns."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import _cli

# Blocks a stack, and whether they are bottlenecks, by depth.
ARCHITECTURES = {18: ([2, 2, 2, 2], False), 50: ([3, 4, 6, 3], True), 152: ([3, 8, 36, 3], True)}

MEMORY_PROBE = """
import sys, keras_hub, keras_resblocks_plugin
def status(key):
    return next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith(key)) / 1024
keras_hub.layers.ImageConverter  # All that is imported late is imported now.
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
backbone = keras_hub.models.Backbone.from_preset(sys.argv[1])
print(status("VmHWM") - before)
"""

IMPORT_PROBE = """
import time, keras_hub
start = time.perf_counter()
import keras_resblocks_plugin
print(time.perf_counter() - start)
"""


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument(
        "--depths", type=int, nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES)
    )
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each, after a warm-up")
    parser.add_argument("--readme", type=Path, help="a Markdown file whose section to replace")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Measures, prints the table, and writes it where asked."""
    import _markdown
    import _results
    import keras
    import keras_hub

    imports = [float(_probe(IMPORT_PROBE)) for _ in range(args.runs)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for depth in args.depths:
            presets = save_presets(depth, Path(folder))
            loads = [lambda p=p: keras_hub.models.Backbone.from_preset(p) for p in presets]
            rows.append([f"{depth}: `from_preset`", *compare(loads, args.runs)])
            peaks = [float(_probe(MEMORY_PROBE, preset)) for preset in presets]
            rows.append(
                [
                    f"{depth}: peak memory of it",
                    *(f"{peak:.0f} MiB" for peak in peaks),
                    f"{peaks[0] / peaks[1]:.2f}",
                ]
            )
            backbones = [load() for load in loads]
            rows.append(
                [
                    f"{depth}: forward, 1 image of 224 px",
                    *compare([forward(backbone) for backbone in backbones], args.runs),
                ]
            )
            rows.append(
                [
                    f"{depth}: training step, 8 images of 128 px",
                    *compare([training_step(backbone) for backbone in backbones], args.runs),
                ]
            )
    text = (
        f"{keras.backend.backend()}, {_results.hardware()}, median of {args.runs} alternating "
        "runs after a warm-up, least and most in brackets. The ratio is pair by pair; below 1 is "
        "better.\n\n"
        + _markdown.table(["depth", "this package", "KerasHub's ResNet", "ratio"], rows)
        + f"\n\nImporting this package adds {spread(imports)} to `import keras_hub`."
    )
    print(text)
    if args.readme:
        _markdown.replace_section(args.readme, "benchmark", text)


def save_presets(depth: int, folder: Path) -> list[str]:
    """Saves the same architecture as a preset of this package and of KerasHub."""
    import keras_hub

    import keras_resblocks_plugin as krp

    num_blocks, bottleneck = ARCHITECTURES[depth]
    filters, strides = [64, 128, 256, 512], [1, 2, 2, 2]
    ours = krp.ResBlockBackbone(
        *("bottleneck" if bottleneck else "bn", filters, num_blocks, strides, [64], [7], [2]),
        input_pooling="max",
    )
    theirs = keras_hub.models.ResNetBackbone(
        *([64], [7], filters, num_blocks, strides),
        "bottleneck_block" if bottleneck else "basic_block",
    )
    if ours.count_params() != theirs.count_params():
        raise ValueError(
            "Both backbones must be of the same architecture. Received: "
            f"{ours.count_params()} and {theirs.count_params()} parameters"
        )
    paths = [str(folder / f"{name}{depth}") for name in ("krp", "hub")]
    for backbone, path in zip((ours, theirs), paths, strict=True):
        backbone.save_to_preset(path)
    return paths


def forward(backbone) -> Callable[[], object]:
    """A compiled forward pass of one image."""
    import numpy as np

    backbone.compile(jit_compile=_jit_compile())
    image = np.zeros((1, 224, 224, 3), "float32")
    return lambda: backbone.predict_on_batch(image)


def training_step(backbone) -> Callable[[], object]:
    """A compiled training step of eight images."""
    import keras
    import numpy as np

    x = keras.layers.GlobalAveragePooling2D()(backbone.output)
    model = keras.Model(backbone.input, keras.layers.Dense(1000)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=_jit_compile())
    images, labels = np.zeros((8, 128, 128, 3), "float32"), np.zeros(8, "int32")
    return lambda: model.train_on_batch(images, labels)


def compare(actions: list[Callable[[], object]], runs: int) -> list[str]:
    """Times two actions in turns: both medians with their spread, and the ratio's."""
    times = [[], []]
    for run in range(runs + 1):
        for seconds, action in zip(times, actions, strict=True):
            start = time.perf_counter()
            action()
            if run > 0:
                seconds.append(time.perf_counter() - start)
    ratios = [ours / theirs for ours, theirs in zip(*times, strict=True)]
    return [spread(times[0]), spread(times[1]), spread(ratios, unit="")]


def spread(values: list[float], unit: str = " s") -> str:
    """The median, with the least and the most."""
    median = statistics.median(values)
    return f"{median:.2f}{unit} [{min(values):.2f}, {max(values):.2f}]"


def _jit_compile() -> bool | str:
    import keras

    # XLA takes minutes to compile the deep ones for a CPU, and trains slower there.
    return False if keras.backend.backend() == "tensorflow" else "auto"


def _probe(code: str, *args: str) -> str:
    command = [sys.executable, "-c", code, *args]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise ValueError(f"A measuring process failed: {result.stderr.strip().splitlines()[-1]}")
    return result.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    _cli.run(main, parse_args())
