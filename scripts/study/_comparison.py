"""A run of the comparison of strategies: from a preset or from scratch, to an accuracy."""

from pathlib import Path

import keras
import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import ClassificationConfig, _divergence, _runs
from keras_resblocks_plugin.training._accuracy import measure
from keras_resblocks_plugin.training.classification import _batches, _model
from keras_resblocks_plugin.training.classification._images import balanced_rows
from keras_resblocks_plugin.training.data import _classes
from keras_resblocks_plugin.training.data._batches import Batches, endless_order
from keras_resblocks_plugin.training.data._input import EvaluationBatches
from keras_resblocks_plugin.training.data._readable_rows import usable_rows
from keras_resblocks_plugin.training.data._resizing import Converted, normalizer
from keras_resblocks_plugin.training.finetuning import _start
from keras_resblocks_plugin.training.finetuning._optimizer import new_optimizer


class Comparison:
    """A preset and a dataset, decoded once for all runs.

    Args:
        preset: The preset that all runs start from, except those from scratch.
        data: A local folder or a Hub id, with the splits `train` and `validation`.
        folder: The folder of decoded images.
        dtype: The precision policy while training.
        skip_unreadable: Whether to leave out images that cannot be read.
        *columns: The columns of images and labels, if not `"image"` and `"label"`.
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
        self.preset, self.data, self.folder, self.dtype = preset, data, folder, dtype
        converter = krp.ResBlockImageConverter.from_preset(preset)
        resize, self.normalize = Converted(converter), normalizer(converter)
        pair = _classes.open_pair(data, "train", "validation", folder / "cache", *columns)
        splits = {split.name: split for split in pair}
        rows = [usable_rows(split, skip_unreadable, resize) for split in pair]
        self.images = {
            split.name: split.decode(resize, which) for split, which in zip(pair, rows, strict=True)
        }
        # For the record. Empty unless images are to be left out.
        self.left_out = {}
        if skip_unreadable:
            self.left_out["unreadable_images_left_out"] = sum(map(len, pair)) - sum(map(len, rows))
        # Every run depends on these besides its own settings.
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
        """Trains once, and measures.

        Args:
            strategy: A strategy of `krp.freeze`, or `"scratch"`.
            images: The number of images of each class to train on.
            seed: The seed of the choice of images, the weights and the batches.
            held_out: The number of training images of each class to hold out and measure on.
                Validation images are measured on if it is 0.
            learning_rate: The peak learning rate.
            steps: The number of optimizer steps.
            batch_size: Images per step.

        Returns:
            The top-1 accuracy.
        """
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        from_scratch = strategy == "scratch"
        config = ClassificationConfig(
            preset=self.preset,
            data=self.data,
            out=self.folder,
            epochs=1,
            batch_size=batch_size,
            learning_rate=learning_rate,
            strategy="full" if from_scratch else strategy,
            from_scratch=from_scratch,
            dtype=self.dtype,
            seed=seed,
        )
        train = self.images["train"]
        rows = balanced_rows(
            train.labels, np.arange(len(train.labels)), train.class_names, images, held_out, seed
        )
        model = _model.build(_start.load_backbone(config), train.class_names)
        _start.freeze(model, config)
        name = "held_out" if held_out else "validation"
        unseen = train if held_out else self.images["validation"]
        which = rows["held_out"] if held_out else np.arange(len(unseen.labels))
        measured = _batches.evaluation_batches(unseen, self.normalize, which)
        if strategy == "linear":
            model, batches, measured = self._cached(
                model, train, rows["train"], measured, batch_size, seed
            )
        else:
            batches = _batches.training_batches(
                train, batch_size, self.normalize, seed, rows["train"]
            )
        _model.compile_for(model, new_optimizer(learning_rate, config.weight_decay, steps))
        _divergence.fit(model, batches.starting_at(0), steps, verbose=0)
        return {f"{name}_top1": measure(model, measured)["top1"]}

    def _cached(self, model, train, rows, measured, batch_size, seed):
        """Returns the head, and its constant inputs: features of the images and their mirrors."""
        features = keras.Model(model.backbone.input, model.pooler(model.backbone.output))
        inputs = keras.Input(features.output.shape[1:])
        head = keras.Model(inputs, model.output_dense(inputs))

        def featured(batches):
            pairs = [batches[index] for index in range(len(batches))]
            pairs = [(features.predict_on_batch(x), y) for x, y in pairs]
            return tuple(
                np.concatenate(part).astype("float32") for part in zip(*pairs, strict=True)
            )

        plain = _batches.evaluation_batches(train, self.normalize, rows)
        mirrored = plain.map(lambda batch: (batch[0][:, :, ::-1], batch[1]))
        x, y = map(np.concatenate, zip(featured(plain), featured(mirrored), strict=True))
        order = endless_order(np.arange(len(x)), seed, batch_size)
        batches = Batches(lambda step: (x[order[step]], y[order[step]]))
        unseen, labels = featured(measured)
        whole = EvaluationBatches(1, lambda _: (unseen, labels), measured.labels)
        return head, batches, whole
