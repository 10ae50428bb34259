"""One run of the study, and the times of its nets."""

import dataclasses
import time

import keras
import numpy as np
from _study_nets import NETS, Net, Run

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _timing
from keras_resblocks_plugin.diagnostics import multiply_adds
from keras_resblocks_plugin.training import Augmentation, Schedule, _divergence
from keras_resblocks_plugin.training._accuracy import measure
from keras_resblocks_plugin.training._classifier import build_converter
from keras_resblocks_plugin.training._hardware import hardware
from keras_resblocks_plugin.training._optimizer import compile_classifier
from keras_resblocks_plugin.training.data._input import evaluation_batches, training_batches
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.data._row_choice import hold_out

PROBE = 256
LABEL_SMOOTHING = 0.05
# The nets that the claims about time compare.
TIMED = ("bn", "bn_without_norm", "act", "expanded_wide", "identity", "identity_shallow")


class StudyData:
    """The images of all runs: some classes, evenly spread over all, with new numbers.

    Args:
        train: The whole training split.
        validation: The whole validation split.
        classes: How many classes to keep.
        share: The share of the training images to hold out, the same ones in each run.

    Raises:
        ValueError: If there are fewer classes, or the splits have different ones.
    """

    def __init__(self, train: ImageSet, validation: ImageSet, classes: int, share: float):
        if len(train.class_names) < classes or validation.class_names != train.class_names:
            raise ValueError(
                f"Both splits must have the same classes, at least {classes}. Received: "
                f"{len(train.class_names)} and {len(validation.class_names)} classes"
            )
        chosen = np.linspace(0, len(train.class_names), classes, endpoint=False).astype(int)
        number = np.full(len(train.class_names), -1, "int32")
        number[chosen] = np.arange(classes)
        names = [train.class_names[label] for label in chosen]
        self.train, self.validation = (
            # Images of the other classes stay in memory unused.
            ImageSet(images.images, number[images.labels], names)
            for images in (train, validation)
        )
        train_rows, self.validation_rows = (
            np.flatnonzero(images.labels >= 0) for images in (self.train, self.validation)
        )
        kept, held_out = hold_out(len(train_rows), share, seed=0)
        self.train_rows, self.held_out_rows = train_rows[kept], train_rows[held_out]


def build(net: Net, classes: int) -> krp.ResBlockImageClassifier:
    """An untrained classifier."""
    block_type = net.block_type if net.shortcut else without_shortcut(net.block_type)
    strides = [1] + [2] * (len(net.widths) - 1)
    backbone = krp.ResBlockBackbone(
        *(block_type, net.widths, [net.blocks] * len(net.widths), strides, [16], [3], [2]),
        block_kwargs=net.block_kwargs,
    )
    return krp.ResBlockImageClassifier(backbone, num_classes=classes)


def without_shortcut(block_type: str) -> type[krp.blocks.ResidualBlock]:
    """The same block with nothing added to its residual branch."""

    @keras.saving.register_keras_serializable("study", f"plain_{block_type}")
    class PlainBlock(krp.blocks.BLOCK_TYPES[block_type]):
        def shortcut(self, x, training=None):
            return keras.ops.zeros((), self.compute_dtype)

    return PlainBlock


def train(run: Run, data: StudyData, epochs: int, batch_size: int) -> dict:
    """Trains one net once, and returns the figures for the report."""
    keras.utils.set_random_seed(run.seed)
    image_size = data.train.images.shape[1]
    schedule = Schedule(epochs=epochs, learning_rate=run.rate, warmup_epochs=1)
    rows, held_out = data.train_rows, data.held_out_rows
    model = build(NETS[run.net], len(data.train.class_names))
    converter = build_converter(data.train.images[rows], image_size)
    steps = len(rows) // batch_size
    compile_classifier(model, schedule, steps, label_smoothing=LABEL_SMOOTHING)
    start = time.monotonic()
    unseen = {"held_out": (data.train, held_out)}
    unseen["validation"] = (data.validation, data.validation_rows)
    measured = {
        name: evaluation_batches(images, which, 250, converter)
        for name, (images, which) in unseen.items()
    }
    history = keras.callbacks.History()
    try:
        _divergence.fit(
            model,
            training_batches(data.train, rows, batch_size, Augmentation(), converter, run.seed),
            steps,
            epochs,
            validation_data=measured["held_out"],
            callbacks=[history],
            verbose=0,
        )
        seconds = round(time.monotonic() - start, 1)
        results = {
            f"{name}_top1": measure(model, batches)["top1"] for name, batches in measured.items()
        }
    except _divergence.Diverged:
        # The study asks at which rates a net trains. At this one, its accuracy is zero.
        seconds = round(time.monotonic() - start, 1)
        results = {f"{name}_top1": 0.0 for name in measured}
        results["diverged"] = True
        # Nothing is zero in a net of NaN, as in one that has not learnt: this names the blocks.
        model = build(NETS[run.net], len(data.train.class_names))
    accuracies = [round(value, 4) for value in history.history.get("val_accuracy", [])]
    probe = converter(data.train.images[held_out[:PROBE]].astype("float32"))
    return {
        **dataclasses.asdict(run),
        "diverged": False,
        **results,
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model.backbone, image_size),
        "held_out_accuracy": accuracies or [0.0],
        "dead_units": {
            name: 0.0 if results.get("diverged") else round(share, 4)
            for name, share in krp.ResidualDiagnostics.measure(model, probe)["dead_units"].items()
        },
        "seconds": seconds,
        "hardware": hardware(),
    }


def time_nets(batch_size: int, runs: int = 20) -> dict:
    """Seconds of a training step and a forward pass of each net, alternately."""
    steps, forwards = {}, {}
    x = np.random.default_rng(0).normal(size=(batch_size, 32, 32, 3)).astype("float32")
    y = np.zeros((batch_size, 20), "float32")
    for name in TIMED:
        model = build(NETS[name], 20)
        compile_classifier(model, Schedule(epochs=3), 10, label_smoothing=LABEL_SMOOTHING)
        steps[name] = lambda model=model: model.train_on_batch(x, y)
        forwards[name] = lambda model=model: model.predict_on_batch(x)
        if name == "bn":
            folded = krp.fold_batch_norm(model)
            compile_classifier(folded, Schedule(epochs=3), 10, label_smoothing=LABEL_SMOOTHING)
            forwards["bn_folded"] = lambda model=folded: model.predict_on_batch(x)
    return {
        "batch_size": batch_size,
        "hardware": hardware(),
        "step": _timing.alternate(steps, runs),
        "forward": _timing.alternate(forwards, runs),
    }
