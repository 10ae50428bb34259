"""Fine-tuning strategies, which choose the weights of a model that learn."""

import keras

from keras_resblocks_plugin._utils._compilation import forget_compiled
from keras_resblocks_plugin._utils._kerashub import flatten_layers, set_trainable
from keras_resblocks_plugin._utils._validation import check_choice
from keras_resblocks_plugin.layers._freezing import set_frozen
from keras_resblocks_plugin.lora._layers import lora_layers, lora_weights
from keras_resblocks_plugin.models._backbone import ResBlockBackbone

_NORMS = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)
STRATEGIES = ("linear", "norm", "lora", "full")


def freeze(
    model: keras.Model,
    strategy: str,
    rank: int | None = None,
    freeze_batch_norm: bool = True,
) -> None:
    """Freezes a model in place, except for the weights that a strategy trains.

    Compile the model afterwards. `"full"` undoes it. The head, which is everything outside the
    `ResBlockBackbone`, learns with every strategy.

    Frozen weights stay frozen when the model is saved and loaded: they are configuration, as
    frozen statistics are. `.keras` files keep LoRA too, and resume training with it. A preset
    has LoRA merged into its kernels, and loads with all weights trainable.
    `load_weights=False` gives random weights, all of which learn.

    To unfreeze, call this again, or set `trainable` of `model.backbone` or of any of its layers, as
    the [Keras guide](https://keras.io/guides/transfer_learning/) does. Statistics stay frozen
    until `backbone.freeze_batch_norm = False`. In a DeepLabV3 or a RetinaNet, the
    `ResBlockBackbone` is `model.backbone.image_encoder`. Compile afterwards.

    Args:
        model: A `ResBlockBackbone`, or a KerasHub task on one: a `ResBlockImageClassifier`, a
            `DeepLabV3ImageSegmenter`, a `RetinaNetObjectDetector`.
        strategy: string. The part of the backbone that learns. `"linear"`: nothing. `"norm"`:
            the scales and shifts of its norms. `"lora"`: LoRA, low-rank matrices added to the
            kernels ([Hu et al., 2021](https://arxiv.org/abs/2106.09685)). `"full"`: everything.
        rank: int. The rank of LoRA, with `"lora"` only. Defaults to `4`.
        freeze_batch_norm: bool. Whether the backbone's batch norm keeps its statistics. If
            `False`, they follow the new data. Defaults to `True`.

    Raises:
        ValueError: If the model has no `ResBlockBackbone`, the strategy does not fit it,
            or it has LoRA of another rank.

    Example:

    ```python
    classifier = krp.ResBlockImageClassifier.from_preset("resblock_bn_small", num_classes=10)
    krp.freeze(classifier, "lora", rank=8)
    classifier.compile(keras.optimizers.AdamW(1e-3))
    classifier.fit(images, labels)
    classifier.backbone.save_lora_weights("adapter.safetensors")  # LoRA alone: small.
    classifier.save_to_preset("my_classifier")  # LoRA merged into the kernels.
    ```
    """
    check_choice("strategy", strategy, STRATEGIES)
    check_choice("freeze_batch_norm", freeze_batch_norm, (False, True))
    backbone = _backbone_of(model)
    learning = _learning(backbone, strategy, rank)
    backbone.freeze_batch_norm = freeze_batch_norm
    set_trainable(model, True)
    # Not the moving statistics, which `freeze_batch_norm` decides on.
    set_frozen(backbone, {w.path for w in backbone.trainable_weights if id(w) not in learning})
    forget_compiled(model)
    if getattr(getattr(model, "optimizer", None), "built", False):
        # The optimizer has variables for the weights that learned so far, and no others.
        model.compiled = False


def _learning(backbone: ResBlockBackbone, strategy: str, rank: int | None) -> set[int]:
    """Returns the ids of the weights that learn, after enabling LoRA if the strategy needs it."""
    present = lora_layers(backbone)
    if strategy != "lora" and (rank is not None or present):
        what = f"rank={rank}" if rank is not None else "a model with LoRA"
        raise ValueError(
            f"`strategy={strategy!r}` is for a model without LoRA, and takes no `rank`. Save the "
            f"model as a preset, which merges LoRA, and load that. Received: {what}"
        )
    if strategy == "lora":
        if not present:
            backbone.enable_lora(4 if rank is None else rank)
        elif rank not in (None, present[0].lora_rank):
            raise ValueError(
                f"`rank` must be the rank of the model's LoRA, {present[0].lora_rank}, or be left "
                f"out. Received: rank={rank}"
            )
        weights = lora_weights(backbone)
    elif strategy == "norm":
        norms = [layer for layer in flatten_layers(backbone) if isinstance(layer, _NORMS)]
        if not norms:
            raise ValueError(
                '`strategy="norm"` needs a backbone with batch norm or group norm. '
                f"Received: block_type={backbone.block_type!r}"
            )
        weights = [weight for norm in norms for weight in (norm.gamma, norm.beta)]
    else:
        weights = backbone.weights if strategy == "full" else []
    return {id(weight) for weight in weights}


def _backbone_of(model: keras.Model) -> ResBlockBackbone:
    backbone = getattr(model, "backbone", None) or model
    # The backbone of a DeepLabV3 or a RetinaNet is built on another one.
    backbone = getattr(backbone, "image_encoder", backbone)
    if not isinstance(backbone, ResBlockBackbone):
        raise ValueError(
            "`model` must be a `ResBlockBackbone`, or a KerasHub task on one. "
            f"Received: {type(model).__name__}"
        )
    return backbone
