"""Writes a model in the formats of other runtimes, and runs what was written with its own."""

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Runner = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Format:
    """How a format is called in Keras, how its files end, and what it needs installed."""

    keras_name: str
    suffix: str
    modules: tuple[str, ...] = ()


FORMATS = {
    "savedmodel": Format("tf_saved_model", ""),
    "onnx": Format("onnx", ".onnx", ("tf2onnx", "onnxruntime")),
    "litert": Format("litert", ".tflite", ("ai_edge_litert",)),
    "litert-int8": Format("litert", "-int8.tflite", ("ai_edge_litert",)),
    "openvino": Format("openvino", ".xml", ("openvino",)),
}


def missing_modules(name: str) -> list[str]:
    """What is to be installed before a format can be written and run."""
    return [module for module in FORMATS[name].modules if not importlib.util.find_spec(module)]


def with_fixed_input(classifier: Any, image_size: int, converter: Any = None) -> Any:
    """The classifier as a model for square images of one size.

    Args:
        classifier: A Keras model of one input.
        image_size: The side in pixels. Runtimes plan their memory by it.
        converter: A `keras_hub.layers.ImageConverter` whose normalization to put before the
            classifier, so that it takes images of 0 to 255. Its resizing is left out: the
            images are of the right size.
    """
    import keras

    inputs = x = keras.Input((image_size, image_size, 3), name="images")
    if converter is not None:
        scale = 1.0 if converter.scale is None else converter.scale
        offset = 0.0 if converter.offset is None else converter.offset
        x = keras.layers.Rescaling(scale, offset, name="normalization")(x)
    return keras.Model(inputs, classifier(x))


def write(model: Any, name: str, stem: Path, calibration: np.ndarray | None = None) -> Path:
    """Writes a model, float32 and with the batch size left open.

    Args:
        model: A Keras model of one input, on the TensorFlow backend.
        name: A key of `FORMATS`.
        stem: The path to write to, without what the format puts behind it.
        calibration: Inputs of the model, by which `"litert-int8"` chooses its ranges.

    Returns:
        The file, or the folder of a SavedModel.

    Raises:
        ValueError: If the backend is another one, or images to calibrate with are missing.
        ImportError: If the format needs a package that is not installed.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "`KERAS_BACKEND` must be tensorflow to export: it is what can write every format. "
            f"Presets are the same on all backends. Received: {keras.backend.backend()}"
        )
    missing = missing_modules(name)
    if missing:
        raise ImportError(
            f"{name} needs {' and '.join(missing)}: install this package with its `export` extra"
        )
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
    """What makes the converter quantize everything, the inputs and outputs too."""
    import tensorflow as tf

    if calibration is None:
        raise ValueError("`calibration` must be images of the kind that the model will see.")

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
    """The size of what `write()` wrote, with the files that belong to it."""
    if file.is_dir():
        return sum(path.stat().st_size for path in file.rglob("*") if path.is_file())
    weights = file.with_suffix(".bin")
    return file.stat().st_size + (weights.stat().st_size if file.suffix == ".xml" else 0)


def runner(name: str, file: Path) -> Runner:
    """A function from float32 images to float32 outputs, computed by the format's own runtime."""
    start = {
        "savedmodel": _run_savedmodel,
        "onnx": _run_onnx,
        "openvino": _run_openvino,
    }
    return start.get(name, _run_litert)(str(file))


def _run_savedmodel(path: str) -> Runner:
    import tensorflow as tf

    model = tf.saved_model.load(path)
    return lambda images: model.serve(tf.constant(images)).numpy()


def _run_onnx(path: str) -> Runner:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def _run_openvino(path: str) -> Runner:
    import openvino

    # Its default computes in bfloat16 where the processor can.
    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    model = openvino.compile_model(path, "CPU", options)
    return lambda images: model(images)[0]


def _run_litert(path: str) -> Runner:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=os.cpu_count())
    inputs, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(images: np.ndarray) -> np.ndarray:
        nonlocal shape
        if images.shape != shape:
            interpreter.resize_tensor_input(inputs["index"], images.shape)
            interpreter.allocate_tensors()
            shape = images.shape
        interpreter.set_tensor(inputs["index"], _quantize(images, inputs))
        interpreter.invoke()
        return _dequantize(interpreter.get_tensor(outputs["index"]), outputs)

    shape = None
    return run


def _quantize(values: np.ndarray, details: dict) -> np.ndarray:
    scale, zero_point = details["quantization"]
    if not scale:
        return values
    return np.clip(np.rint(values / scale) + zero_point, -128, 127).astype("int8")


def _dequantize(values: np.ndarray, details: dict) -> np.ndarray:
    scale, zero_point = details["quantization"]
    return np.float32(scale) * (values.astype("float32") - zero_point) if scale else values
