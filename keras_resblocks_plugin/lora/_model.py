"""The methods of a backbone that enable, save and load LoRA."""

from collections.abc import Sequence
from pathlib import Path

from keras_resblocks_plugin._utils._compilation import forget_compiled
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.lora._adapter_file import load_adapter, save_adapter
from keras_resblocks_plugin.lora._layers import convolutions, lora_layers


class LoRAModel:
    """Mixed into a backbone of KerasHub: LoRA on its convolutions, stored in adapter files."""

    def default_lora_layer_names(self) -> list[str]:
        """Returns the names of the layers that `enable_lora` adapts by default: convolutions."""
        return sorted({layer.name for layer in convolutions(self)})

    def enable_lora(self, rank: int, target_layer_names: Sequence[str] | None = None) -> None:
        """Freezes the backbone and adds LoRA to kernels. `krp.freeze` calls it.

        A model that holds the backbone and has predicted or trained before must be
        compiled again.

        Args:
            rank: int. The rank of LoRA.
            target_layer_names: list of strings. The names of the layers to adapt. Defaults to
                all convolutions.

        Raises:
            ValueError: If no layer has one of the names, or the backbone has LoRA already.
        """
        check_positive_int("rank", rank)
        known = self.default_lora_layer_names()
        names = known if target_layer_names is None else list(target_layer_names)
        if lora_layers(self) or not names or set(names) - set(known):
            rule = "be called once" if lora_layers(self) else f"name some of {', '.join(known)}"
            raise ValueError(
                f"`enable_lora()` must {rule}. Received: target_layer_names={target_layer_names}"
            )
        super().enable_lora(rank, names)
        for layer in lora_layers(self):
            if layer.use_bias:
                # Adapter files do not hold it.
                layer.bias.trainable = False
        forget_compiled(self)

    def save_lora_weights(self, filepath: str | Path) -> None:
        """Saves the LoRA weights, without the kernels, to an adapter file.

        Args:
            filepath: string or path. The file, which ends in `.safetensors`.

        Raises:
            ValueError: If there is no LoRA, or the file has another suffix.
        """
        save_adapter(self, filepath)

    def load_lora_weights(self, filepath: str | Path) -> None:
        """Loads what `save_lora_weights` saved; changes nothing unless everything fits.

        A model that holds the backbone and has predicted or trained before must be
        compiled again.

        Args:
            filepath: string or path. The file, a folder that holds it, or `"hf://user/name"`.

        Raises:
            ValueError: If the file is for another architecture, rank or other layers, or damaged.
            HubError: If it cannot be downloaded.
        """
        load_adapter(self, filepath)
