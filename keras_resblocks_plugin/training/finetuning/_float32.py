"""The float32 copy of a trained task, which is saved."""

from collections.abc import Callable
from pathlib import Path

import keras

import keras_resblocks_plugin as krp


def in_float32(
    model: keras.Model,
    encoder: krp.ResBlockBackbone,
    build: Callable[[krp.ResBlockBackbone], keras.Model],
    folder: Path,
) -> keras.Model:
    """Copies a trained task to float32, with LoRA merged, so that it can be saved.

    Args:
        model: The trained task.
        encoder: The backbone inside of it.
        build: A function from a float32 backbone to the same task.
        folder: A folder to save the backbone to on the way.

    Returns:
        The copy.
    """
    encoder.save_to_preset(str(folder))
    merged = krp.ResBlockBackbone.from_preset(str(folder), dtype="float32")
    copy = build(merged)
    pairs = zip(_without(model, encoder), _without(copy, merged), strict=True)
    for trained, fresh in pairs:
        fresh.assign(keras.ops.convert_to_numpy(trained))
    return copy


def _without(model: keras.Model, encoder: keras.Model) -> list[keras.Variable]:
    inner = {id(weight) for weight in encoder.weights}
    return [weight for weight in model.weights if id(weight) not in inner]
