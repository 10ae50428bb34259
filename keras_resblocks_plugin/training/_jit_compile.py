"""The choice of compiling models with XLA."""

import keras


def jit_compile() -> str | bool:
    """Returns the argument of `keras.Model.compile()`.

    On a CPU, TensorFlow takes minutes to compile deep networks and then trains three times
    slower than without XLA.
    """
    if keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu"):
        return False
    return "auto"
