"""Compiled functions of models whose computation has changed."""

import keras


def forget_compiled(*models: keras.Model) -> None:
    """Makes models trace their functions again when they are next used.

    TensorFlow and JAX trace `fit()`, `evaluate()` and `predict()` once, so that a model whose
    layers have changed since would compute the same as before. A model that holds a changed one
    has functions of its own.
    """
    for model in models:
        model.train_function = model.test_function = model.predict_function = None
