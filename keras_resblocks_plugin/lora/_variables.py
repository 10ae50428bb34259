"""The variables of a layer with LoRA in the files of Keras, `.keras` and `.weights.h5`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_resblocks_plugin._utils._kerashub import frozen_kernel
from keras_resblocks_plugin.lora._merging import merged_kernel


class LoRAVariables:
    """Mixed into layers with a kernel: files of Keras hold LoRA beside the merged kernel.

    Keras stores the merged kernel alone, so that a checkpoint would load as a frozen kernel
    with LoRA of zero, from which training cannot resume.
    """

    def save_own_variables(self, store: Any) -> None:
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        store["0"] = merged_kernel(self)
        if self.use_bias:
            store["1"] = self.bias
        for weight in (frozen_kernel(self), self.lora_kernel_a, self.lora_kernel_b):
            store[weight.name] = weight
        if self.lora_alpha != self.lora_rank:
            store["lora_alpha"] = np.asarray(self.lora_alpha, "float64")

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        names = list(store.keys())
        lora = {name: store[name] for name in names if not name.isdigit()}
        merged = {name: store[name] for name in names if name.isdigit()}
        if not self.lora_enabled:
            super().load_own_variables(merged)
            return
        # Keras sets both factors to zero, and then neither would ever have a gradient.
        start = ops.copy(self.lora_kernel_a)
        super().load_own_variables(merged)
        if lora and tuple(lora["lora_kernel_a"].shape) == tuple(start.shape):
            self._load_lora(lora)
        else:
            self.lora_kernel_a.assign(start)

    def _load_lora(self, lora: Mapping[str, Any]) -> None:
        for weight in (frozen_kernel(self), self.lora_kernel_a, self.lora_kernel_b):
            weight.assign(lora[weight.name])
        # The file may have another alpha. The product is to stay the same with this layer's.
        alpha = float(np.asarray(lora.get("lora_alpha", self.lora_rank)))
        if alpha != self.lora_alpha:
            self.lora_kernel_b.assign(self.lora_kernel_b * (alpha / self.lora_alpha))
