"""Names of presets: bundled, registered and pulled ones."""

from keras_resblocks_plugin.registry._registry import (
    list_presets,
    register_known_presets,
    register_preset,
    unregister_preset,
)

__all__ = ["list_presets", "register_known_presets", "register_preset", "unregister_preset"]
