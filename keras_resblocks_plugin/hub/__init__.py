"""Presets to the Hugging Face Hub and back."""

from keras_resblocks_plugin.hub.callback import PushToHub
from keras_resblocks_plugin.hub.card import model_card
from keras_resblocks_plugin.hub.pull import Pulled, pull_from_hub
from keras_resblocks_plugin.hub.push import Pushed, push_to_hub
from keras_resblocks_plugin.hub_client import (
    AccessError,
    DamagedError,
    HubError,
    NotCachedError,
    NotFoundError,
)

__all__ = [
    "AccessError",
    "DamagedError",
    "HubError",
    "NotCachedError",
    "NotFoundError",
    "Pulled",
    "PushToHub",
    "Pushed",
    "model_card",
    "pull_from_hub",
    "push_to_hub",
]
