"""Export of a preset, compared with Keras."""

import dataclasses
import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.export import _formats
from keras_resblocks_plugin.export._config import ExportConfig
from keras_resblocks_plugin.export._runners import Runner, runner

if TYPE_CHECKING:
    import keras


def export(config: ExportConfig) -> dict[str, Any]:
    """Exports the classifier of a preset, and compares each file, in its runtime, with Keras.

    Batch norm is folded into the convolutions where that is possible. A format whose packages are
    not installed is left out. The results are printed as a table, and written to `export.json`
    beside the files.

    Args:
        config: `ExportConfig`.

    Returns:
        dict. The contents of `export.json`: the settings, and `results` by format.

    Raises:
        ValueError: If the backend is not TensorFlow, the preset has no square image size, the
            classes of the data are not those of the preset, or no format was written.
        ImportError: If the extra `export` is not installed.

    Example:

    ```python
    krp.export.export(
        krp.export.ExportConfig(preset="resblock_bn_small", out=Path("exported"), formats=("onnx",))
    )
    ```
    """
    require("export", "tqdm", "PIL", *(["datasets"] if config.data else []))

    from keras_resblocks_plugin.training.data._image_cache import cache_folder

    with cache_folder(config.cache) as cache:
        return _export(dataclasses.replace(config, cache=cache))


def _export(config: ExportConfig) -> dict[str, Any]:
    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils import _jsonfile, _markdown
    from keras_resblocks_plugin.export import _measure
    from keras_resblocks_plugin.saving._locate import locate
    from keras_resblocks_plugin.training._hardware import hardware
    from keras_resblocks_plugin.training._runs import weights_digest
    from keras_resblocks_plugin.training.data._resizing import Converted, normalizer

    # The formats' own precision: a preset in half precision becomes float32.
    model = krp.ResBlockImageClassifier.from_preset(config.preset, compile=False, dtype="float32")
    converter = getattr(model.preprocessor, "image_converter", None)
    image_size = _formats.image_size_of(config.preset, converter)
    images, labels, data, calibration = _read(config, model, Converted(converter))
    normalize = normalizer(converter)

    def prepare(images: np.ndarray) -> np.ndarray:
        images = np.asarray(images, "float32")
        return images if config.with_preprocessing else np.asarray(normalize(images))

    normalization = converter if config.with_preprocessing else None
    plain = _formats.with_fixed_input(model, image_size, normalization)
    runners: dict[str, Runner] = {"Keras": plain.predict_on_batch}
    try:
        folded = _formats.with_fixed_input(krp.fold_batch_norm(model), image_size, normalization)
        runners["Keras, folded"] = folded.predict_on_batch
    except ValueError as error:
        print(f"Exported as it is, not folded: {error}")
        folded = plain
    files = _write(config, folded, None if calibration is None else prepare(calibration))
    runners |= {name: runner(name, file) for name, file in files.items()}

    results = _measure.measure(runners, images, labels, prepare, config.runs)
    for name, file in files.items():
        results[name] |= {"file": file.name, "bytes": _formats.size_in_bytes(file)}
    record = {
        "preset": config.preset,
        "weights": weights_digest(Path(locate(config.preset, krp.ResBlockBackbone.presets))),
        "image_size": image_size,
        "preprocessing": config.with_preprocessing,
        "folded": folded is not plain,
        "data": {"name": data, "images": len(images)},
        "calibration_images": 0 if calibration is None else len(calibration),
        "hardware": hardware(),
        "software": _versions(files),
        "runs": config.runs,
        "results": results,
    }
    _jsonfile.write_json(config.out / "export.json", record)
    text = _measure.report(record)
    print(text)
    if config.readme:
        _markdown.replace_section(config.readme, "export", text)
    return record


def _read(config: ExportConfig, model: "keras.Model", resize: Any) -> tuple:
    """Images to compare on, their labels and name, and training images to calibrate with."""
    from keras_resblocks_plugin.export._measure import sample_images

    if not config.data:
        return sample_images(config.preset, resize), None, "samples", None

    from keras_resblocks_plugin.training.data import _classes
    from keras_resblocks_plugin.training.data._labelled_images import open_split
    from keras_resblocks_plugin.training.data._readable_rows import usable_rows

    columns = (config.cache, config.image_column, config.label_column)
    split = open_split(config.data, config.split, *columns)
    what, owner = f"The split {config.split!r} of {config.data!r}", f"the preset {config.preset!r}"
    split = _classes.read_by(split, model.class_names or [], what, owner)
    training = open_split(config.data, config.calibration_split, *columns)
    usable, rows = (usable_rows(part, config.skip_unreadable) for part in (training, split))
    chosen = np.sort(np.random.default_rng(0).permutation(usable)[: config.calibration_images])
    images, calibration = split.decode(resize, rows), training.decode(resize, chosen).images
    name = f"{Path(config.data).name}, {config.split} split"
    return images.images, images.labels, name, calibration


def _write(
    config: ExportConfig, model: "keras.Model", calibration: np.ndarray | None
) -> dict[str, Path]:
    """Writes the formats whose packages are installed, and prints which are left out."""
    files = {}
    for name in config.formats or _formats.FORMATS:
        missing = _formats.missing_modules(name)
        if missing:
            print(f"Left out: {name} needs {' and '.join(missing)} (the `export` extra).")
        elif name == "litert-int8" and calibration is None:
            print(f"Left out: {name} needs --data, whose training images calibrate it.")
        else:
            print(f"Writing {name} …")
            files[name] = _formats.write(model, name, config.out / "model", calibration)
    if not files:
        raise ValueError("Nothing was exported: every format was left out.")
    return files


def _versions(files: dict[str, Path]) -> dict[str, str]:
    modules = {x for name in files for x in _formats.FORMATS[name].modules}
    return {
        module: importlib.metadata.version(module)
        for module in sorted({"keras", "tensorflow"} | modules)
    }
