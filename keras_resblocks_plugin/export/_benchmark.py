"""The speed of a preset on this machine: load, first prediction and images a second."""

import contextlib
import dataclasses
import importlib.metadata
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_resblocks_plugin._utils._jsonfile import write_json
from keras_resblocks_plugin.export import _formats
from keras_resblocks_plugin.export._fresh_load import load_and_predict
from keras_resblocks_plugin.export._rates import measure_rates
from keras_resblocks_plugin.export._runners import Runner, runner

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """The settings of a benchmark.

    Args:
        preset: str. A name, a folder, or `hf://user/name`.
        out: Path or `None`. A JSON file for the results. Defaults to `None`: they are printed
            only.
        dtype: str or `None`. The precision of Keras, such as `mixed_bfloat16`. Defaults to
            `None`, which stands for the preset's. Exported files are float32.
        largest_batch: int. The largest batch to try. Defaults to `256`.
        loads: int. How often to load the preset, each time in a new process. Defaults to `3`.
        runs: int. How often to time each batch at most; large ones are timed less often. Defaults
            to `20`.
    """

    preset: str
    out: Path | None = None
    dtype: str | None = None
    largest_batch: int = 256
    loads: int = 3
    runs: int = 20


def benchmark(config: BenchmarkConfig) -> dict[str, Any]:
    """Measures how fast a classifier preset loads and predicts, on the backend in use.

    Load and first prediction are those of a new process, without its imports. Then batches of 1,
    2, 4, … preprocessed images are timed until larger ones bring no gain or do not fit into
    memory: of the preset, of the preset folded, and in the formats of `export` whose runtimes are
    installed.

    Args:
        config: `BenchmarkConfig`.

    Returns:
        dict. The hardware, the software and the settings; `load_seconds` and
        `first_prediction_seconds`; `results` by network, each with `one_image` and `best_batch`;
        and in `left_out` the networks that were not measured, with the reason. Each figure is
        a median with the least and the most.

    Raises:
        ValueError: If the preset has no square image size.

    Example:

    ```python
    krp.export.benchmark(krp.export.BenchmarkConfig(preset="resblock_bn_small"))
    ```
    """
    import keras

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.saving._locate import locate
    from keras_resblocks_plugin.training._hardware import hardware

    # Another process does not know the names that this one has registered.
    folder = locate(config.preset, krp.ResBlockBackbone.presets)
    dtype = {} if config.dtype is None else {"dtype": config.dtype}
    model = krp.ResBlockImageClassifier.from_preset(config.preset, compile=False, **dtype)
    converter = getattr(model.preprocessor, "image_converter", None)
    image_size = _formats.image_size_of(config.preset, converter)
    _say(f"Loading, in {config.loads} new processes …")
    started = load_and_predict(folder, image_size, config.dtype, config.loads)
    with tempfile.TemporaryDirectory() as exported:
        runners, left_out = _runners(config, model, image_size, Path(exported))
        _say(f"Timing {', '.join(runners)} …")
        results = measure_rates(runners, image_size, config.runs, config.largest_batch)
    record = {
        "preset": config.preset,
        "parameters": model.count_params(),
        "image_size": image_size,
        "dtype": model.backbone.dtype_policy.name,
        "backend": keras.backend.backend(),
        "hardware": hardware(),
        "software": _versions(runners),
        **started,
        "results": results,
        "left_out": left_out,
    }
    if config.out is not None:
        write_json(config.out, record)
    return record


def _runners(
    config: BenchmarkConfig, model: "keras.Model", image_size: int, folder: Path
) -> tuple[dict[str, Runner], dict[str, str]]:
    """The networks to time, and why others are left out."""
    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training._jit_compile import jit_compile

    def ready(model: "keras.Model") -> Runner:
        network = _formats.with_fixed_input(model, image_size)
        network.compile(jit_compile=jit_compile())
        return network.predict_on_batch

    runners, left_out = {"plain": ready(model)}, {}
    try:
        runners["folded"] = ready(krp.fold_batch_norm(model))
    except ValueError as error:
        left_out["folded"] = str(error)
    for name in _formats.FORMATS:
        if reason := _reason_to_leave_out(name):
            left_out[name] = reason
            continue
        _say(f"Writing {name} …")
        file = _formats.write(_as_exported(config.preset, image_size), name, folder / "model")
        runners[name] = runner(name, file)
    return runners, left_out


def _reason_to_leave_out(name: str) -> str | None:
    import keras

    missing = _formats.missing_modules(name)
    if name == "litert-int8":
        return "images of a dataset calibrate it; `keras-resblocks export` times it"
    if keras.backend.backend() != "tensorflow":
        return "exported files are written with `KERAS_BACKEND=tensorflow`"
    return f"needs {' and '.join(missing)} (the extra `export`)" if missing else None


def _as_exported(preset: str, image_size: int) -> "keras.Model":
    """The network as `export` writes it: in float32, and folded where that is possible."""
    import keras_resblocks_plugin as krp

    model = krp.ResBlockImageClassifier.from_preset(preset, compile=False, dtype="float32")
    # The benchmark says why the folded network is left out.
    with contextlib.suppress(ValueError):
        model = krp.fold_batch_norm(model)
    return _formats.with_fixed_input(model, image_size)


def _versions(runners: dict[str, Runner]) -> dict[str, str]:
    import keras

    formats = [_formats.FORMATS[name] for name in runners if name in _formats.FORMATS]
    exported = [module for each in formats for module in each.modules]
    packages = ("keras-resblocks-plugin", "keras", "keras-hub", keras.backend.backend(), *exported)
    return {name: importlib.metadata.version(name) for name in packages}


def _say(text: str) -> None:
    # Programs may read the standard output.
    print(text, file=sys.stderr)
