"""The classifier to fine-tune: a new head on a backbone."""

from collections.abc import Sequence

import keras

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._jit_compile import jit_compile


def build(
    backbone: krp.ResBlockBackbone,
    class_names: Sequence[str],
    preprocessor: krp.ResBlockImageClassifierPreprocessor | None = None,
) -> krp.ResBlockImageClassifier:
    """Builds a classifier with an untrained head, which computes in float32."""
    return krp.ResBlockImageClassifier(
        backbone, class_names=class_names, preprocessor=preprocessor, head_dtype="float32"
    )


def compile_for(model: keras.Model, optimizer: keras.Optimizer) -> None:
    """Compiles with cross-entropy and accuracy, for one-hot labels."""
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        # KerasHub's default metric is for integer labels.
        metrics=None,
        # Evaluation on several devices pads batches with images of weight 0.
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(),
    )
