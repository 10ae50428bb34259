"""The arguments of a classifier and of its backbone, and their config."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
from keras_hub.models import ImageClassifier, Task

from keras_resblocks_plugin._utils._arguments import arguments_of, check_arguments
from keras_resblocks_plugin._utils._config_schema import (
    ACTIVATION,
    DTYPE,
    integer,
    layer_schema,
    list_of,
)
from keras_resblocks_plugin._utils._precision import unquantized
from keras_resblocks_plugin.layers._freezing import Thawable
from keras_resblocks_plugin.models._backbone_state import thawing


class ConfiguredClassifier(Thawable, ImageClassifier):
    """An image classifier that checks its arguments and keeps all of them in its config."""

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        class_names: Sequence[str] | None,
        preprocessor: Any,
        **kwargs,
    ):
        check_arguments(
            type(self),
            kwargs,
            self.arguments(),
            elsewhere={"the backbone": self.backbone_cls.arguments()},
        )
        super().__init__(backbone, num_classes, preprocessor=preprocessor, **kwargs)
        self.class_names = list(class_names) if class_names is not None else None
        policy = self.output_dense.dtype_policy
        if policy.quantization_mode is not None:
            # KerasHub gives the head's policy to all of its layers. These have no weights.
            self.pooler.dtype_policy = self.output_dropout.dtype_policy = unquantized(policy)

    @classmethod
    def arguments(cls) -> set[str]:
        """The names of all arguments that the class accepts."""
        return arguments_of(cls, Task) | {"name", "trainable"}

    @classmethod
    def from_config(cls, config):
        # KerasHub replaces entries of a preset's config with arguments of `from_preset()`. A saved
        # config has the number or the names. If it has both now, one was an argument: the names
        # if they are a tuple, which JSON does not have, otherwise the number.
        config = dict(config)
        names, num_classes = config.get("class_names"), config.get("num_classes")
        if isinstance(names, list) and num_classes is not None:
            config["class_names"] = None
            if len(names) == num_classes:
                warnings.warn(
                    "`class_names` are dropped where `num_classes` asks for a new head. If they "
                    "are its names, load it by `krp.ResBlockImageClassifier.from_preset()`, or "
                    "give them as a tuple.",
                    stacklevel=2,
                )
        backbone = config.get("backbone")
        if isinstance(backbone, dict):
            config, of_backbone = cls.split_arguments(config)
            of_backbone = thawing(True, of_backbone)
            config["backbone"] = {**backbone, "config": {**backbone["config"], **of_backbone}}
        return super().from_config(config)

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A JSON Schema of the config, by which presets are checked before they are built."""
        named = bool(config.get("class_names"))
        return layer_schema(
            required=("backbone", "class_names" if named else "num_classes"),
            backbone={"type": "object", "instance_of": cls.backbone_cls},
            preprocessor={"type": ["object", "null"], "instance_of": keras.layers.Layer},
            num_classes={"type": "null"} if named else integer(1, 1 << 24),
            class_names={**list_of({"type": "string"}, 1, 1 << 24), "type": ["array", "null"]},
            pooling={"enum": ["avg", "max"]},
            activation=ACTIVATION,
            dropout={"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            head_dtype=DTYPE,
        )

    @classmethod
    def split_arguments(cls, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Splits arguments into those of the task and those of its backbone."""
        names = arguments.keys() & (cls.backbone_cls.arguments() - cls.arguments())
        of_backbone = {name: arguments[name] for name in names}
        return {k: v for k, v in arguments.items() if k not in names}, of_backbone

    def get_config(self):
        config = super().get_config()
        config["class_names"] = list(self.class_names) if self.class_names else None
        if self.class_names:
            del config["num_classes"]
        # KerasHub leaves it out, and a reload would use the policy of the backbone.
        head, backbone = (
            keras.dtype_policies.serialize(x.dtype_policy)
            for x in (self.output_dense, self.backbone)
        )
        if head != backbone:
            config["head_dtype"] = head
        return config
