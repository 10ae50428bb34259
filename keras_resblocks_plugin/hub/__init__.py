"""Presets to the Hugging Face Hub and back."""

from keras_resblocks_plugin._hub_client import (
    AccessError,
    BusyError,
    DamagedError,
    HubError,
    NotCachedError,
    NotFoundError,
    SilentHubError,
)
from keras_resblocks_plugin.hub._callback import PushToHub
from keras_resblocks_plugin.hub._card import model_card
from keras_resblocks_plugin.hub._pull import Pulled, pull_from_hub
from keras_resblocks_plugin.hub._push import Pushed, push_to_hub

__all__ = [
    "AccessError",
    "BusyError",
    "DamagedError",
    "HubError",
    "NotCachedError",
    "NotFoundError",
    "Pulled",
    "PushToHub",
    "Pushed",
    "SilentHubError",
    "model_card",
    "pull_from_hub",
    "push_to_hub",
]
