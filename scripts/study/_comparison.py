"""One run of the comparison of strategies: from a preset or from scratch, to accuracies."""

import argparse
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Augmentation, _divergence, _finetuning, _runs
from keras_resblocks_plugin.training._accuracy import measure
from keras_resblocks_plugin.training._jit_compile import jit_compile
from keras_resblocks_plugin.training.data import _classes
from keras_resblocks_plugin.training.data._input import evaluation_batches, training_batches
from keras_resblocks_plugin.training.data._readable_rows import usable_rows
from keras_resblocks_plugin.training.data._resizing import Converted, normalizer
from keras_resblocks_plugin.training.data._row_choice import balanced_rows


class Comparison:
    """A preset and a dataset, decoded once for all runs.

    Args:
        preset: Where every run but those from scratch starts.
        data: A local folder or a Hub id, with the splits `train` and `validation`.
        folder: Where decoded images are kept.
        dtype: The precision while training.
        skip_unreadable: Whether to leave out images that cannot be read.
        *columns: Those of images and labels, if they are not called so.
    """

    def __init__(
        self,
        preset: str,
        data: str,
        folder: Path,
        dtype: str,
        skip_unreadable: bool = False,
        *columns: str,
    ):
        self.preset, self.dtype = preset, dtype
        converter = krp.ResBlockImageConverter.from_preset(preset)
        resize, self.normalize = Converted(converter), normalizer(converter)
        pair = _classes.open_pair(data, "train", "validation", folder / "cache", *columns)
        splits = {split.name: split for split in pair}
        rows = [usable_rows(split, skip_unreadable, resize) for split in pair]
        self.images = {
            split.name: split.decode(resize, which) for split, which in zip(pair, rows, strict=True)
        }
        # For the record: empty where nobody asked to leave out anything.
        self.left_out = {}
        if skip_unreadable:
            self.left_out["unreadable_images_left_out"] = sum(map(len, pair)) - sum(map(len, rows))
        # The settings that all runs share.
        self.settings = {
            "start": _runs.start_settings(preset),
            "data": {name: split.settings for name, split in splits.items()},
            **self.left_out,
            "dtype": dtype,
            "backend": keras.config.backend(),
        }

    def run(
        self,
        strategy: str,
        images: int,
        seed: int,
        held_out: int,
        learning_rate: float,
        steps: int,
        batch_size: int,
    ) -> dict[str, float]:
        """Trains once; returns the top-1 accuracy on validation or held-out images.

        Args:
            strategy: One of `krp.freeze`, or `"scratch"`.
            images: How many of each class to learn from.
            seed: Of the choice of images, the weights and the batches.
            held_out: How many of each class to measure on in place of the validation images.
            learning_rate: The peak.
            steps: Optimizer steps.
            batch_size: Images a step.
        """
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        train = self.images["train"]
        rows = balanced_rows(
            train.labels, np.arange(len(train.labels)), train.class_names, images, held_out, seed
        )
        args = argparse.Namespace(
            preset=self.preset,
            from_scratch=strategy == "scratch",
            strategy="full" if strategy == "scratch" else strategy,
            update_batch_norm=False,
            rank=None,
            dtype=self.dtype,
            epochs=1,
            learning_rate=learning_rate,
            weight_decay=1e-4,
        )
        backbone = _finetuning.load_backbone(args)
        model = krp.ResBlockImageClassifier(
            backbone, class_names=train.class_names, head_dtype="float32"
        )
        _finetuning.freeze(model, args)
        name = "held_out" if held_out else "validation"
        unseen = train if held_out else self.images["validation"]
        which = rows["held_out"] if held_out else np.arange(len(unseen.labels))
        measured = evaluation_batches(unseen, which, 250, self.normalize)
        if strategy == "linear":
            head, batches, measured = self._cached(
                model, train, rows["train"], measured, batch_size
            )
        else:
            head = model
            batches = training_batches(
                train, rows["train"], batch_size, Augmentation(), self.normalize, seed
            )
        head.compile(
            _finetuning.new_optimizer(args, steps),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            # KerasHub's own would be for labels that are integers.
            metrics=["accuracy"],
            jit_compile=jit_compile(),
        )
        _divergence.fit(head, batches, steps, verbose=0)
        return {f"{name}_top1": measure(head, measured)["top1"]}

    def _cached(self, model, train, rows, measured, batch_size):
        """The head alone, on features that never change: of the images and their mirror images."""
        features = keras.Model(model.backbone.input, model.pooler(model.backbone.output))
        inputs = keras.Input(features.output.shape[1:])
        head = keras.Model(inputs, model.output_dense(inputs))

        def featured(batches):
            pairs = [(features.predict_on_batch(x), y) for x, y in batches.as_numpy_iterator()]
            return tuple(
                np.concatenate(part).astype("float32") for part in zip(*pairs, strict=True)
            )

        plain = evaluation_batches(train, rows, 250, self.normalize)
        mirrored = plain.map(lambda x, y: (x[:, :, ::-1], y))
        learnt = featured(plain.concatenate(mirrored))
        batches = tf.data.Dataset.from_tensor_slices(learnt).shuffle(len(learnt[0])).repeat()
        batches = batches.batch(batch_size)
        return head, batches, tf.data.Dataset.from_tensor_slices(featured(measured)).batch(250)
