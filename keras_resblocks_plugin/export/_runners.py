"""Predictions by exported files, each in the runtime of its own format."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

Runner = Callable[[np.ndarray], np.ndarray]


def runner(name: str, file: Path) -> Runner:
    """A function from float32 images to float32 outputs, computed by the format's own runtime.

    Args:
        name: str. A key of `FORMATS`.
        file: Path. A file that `write()` returned.
    """
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
