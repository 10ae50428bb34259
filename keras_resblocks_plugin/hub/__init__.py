"""Presets to the Hugging Face Hub and back."""

from keras_resblocks_plugin.hub.card import model_card

__all__ = ["model_card"]
