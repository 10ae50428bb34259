"""The formats of other runtimes, and writing a model in them."""

import dataclasses
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_resblocks_plugin._utils._extras import require

FormatName = Literal["savedmodel", "onnx", "litert", "litert-int8", "openvino"]


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of exported files.

    Args:
        keras_name: str. Its name in `keras.Model.export`.
        suffix: str. The end of its file names.
        modules: tuple of str. The modules that write it and run it.
    """

    keras_name: str
    suffix: str
    modules: tuple[str, ...] = ()


FORMATS: dict[FormatName, Format] = {
    "savedmodel": Format("tf_saved_model", ""),
    "onnx": Format("onnx", ".onnx", ("tf2onnx", "onnxruntime")),
    "litert": Format("litert", ".tflite", ("ai_edge_litert",)),
    "litert-int8": Format("litert", "-int8.tflite", ("ai_edge_litert",)),
    "openvino": Format("openvino", ".xml", ("openvino",)),
}


def missing_modules(name: str) -> list[str]:
    """The modules that must be installed before a format can be written and run."""
    return [module for module in FORMATS[name].modules if not importlib.util.find_spec(module)]


def image_size_of(preset: str, converter: Any) -> int:
    """The side of the square images that a preset's converter makes."""
    size = getattr(converter, "image_size", None)
    if size is None or size[0] != size[1]:
        raise ValueError(
            f"{preset!r} must have an image converter with a square `image_size`. "
            f"Received: {type(converter).__name__} of image_size={size}"
        )
    return size[0]


def with_fixed_input(classifier: Any, image_size: int, converter: Any = None) -> Any:
    """Builds a model for square images of one size from a classifier.

    Args:
        classifier: A Keras model with one input.
        image_size: int. The side in pixels. Runtimes plan their memory by it.
        converter: A `keras_hub.layers.ImageConverter` or `None`. Its normalization is put before
            the classifier, so that the model takes images from 0 to 255. Its resizing is left
            out: the images already have the right size.
    """
    import keras

    inputs = x = keras.Input((image_size, image_size, 3), name="images")
    if converter is not None:
        scale = 1.0 if converter.scale is None else converter.scale
        offset = 0.0 if converter.offset is None else converter.offset
        x = keras.layers.Rescaling(scale, offset, name="normalization")(x)
    return keras.Model(inputs, classifier(x))


def write(model: Any, name: str, stem: Path, calibration: np.ndarray | None = None) -> Path:
    """Writes a model in float32, with a dynamic batch size.

    Args:
        model: A Keras model with one input, on the TensorFlow backend.
        name: str. A key of `FORMATS`.
        stem: Path. The file to write, without the suffix of the format.
        calibration: array or `None`. Inputs of the model, from which `"litert-int8"` chooses its
            ranges.

    Returns:
        The file, or the folder of a SavedModel.

    Raises:
        ValueError: If the backend is not TensorFlow, or the calibration images are missing.
        ImportError: If the format needs a package that is not installed.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "`KERAS_BACKEND` must be tensorflow to export: no other backend writes every format. "
            f"Presets are the same on all backends. Received: {keras.backend.backend()}"
        )
    require("export", *FORMATS[name].modules)
    options = _full_int8(calibration) if name == "litert-int8" else {}
    file = stem.with_name(stem.name + FORMATS[name].suffix)
    file.parent.mkdir(parents=True, exist_ok=True)
    signature = [keras.InputSpec(shape=model.inputs[0].shape, dtype="float32", name="images")]
    model.export(
        str(file),
        format=FORMATS[name].keras_name,
        input_signature=signature,
        verbose=False,
        **options,
    )
    return file


def _full_int8(calibration: np.ndarray | None) -> dict:
    """Options with which the converter quantizes everything, inputs and outputs included."""
    import tensorflow as tf

    if calibration is None:
        raise ValueError(
            "`calibration` must be images of the kind that the model will see. Received: None"
        )

    def batches() -> Iterator[list[np.ndarray]]:
        for image in calibration:
            yield [image[None]]

    return {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": batches,
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        "inference_input_type": tf.int8,
        "inference_output_type": tf.int8,
    }


def size_in_bytes(file: Path) -> int:
    """The size of a file or folder that `write()` returned, with the files that belong to it."""
    if file.is_dir():
        return sum(path.stat().st_size for path in file.rglob("*") if path.is_file())
    weights = file.with_suffix(".bin")
    return file.stat().st_size + (weights.stat().st_size if file.suffix == ".xml" else 0)
