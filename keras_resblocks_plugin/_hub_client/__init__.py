"""Talking to the Hugging Face Hub: handles, deadlines, retries, errors, and checked
downloads.

Knows `huggingface_hub` and nothing of this package, so that a backbone can load `hf://…`.
"""

from keras_resblocks_plugin._hub_client._client import HubClient
from keras_resblocks_plugin._hub_client._errors import (
    AccessError,
    DamagedError,
    HubError,
    NotCachedError,
    NotFoundError,
    SilentHubError,
    missing_token,
)
from keras_resblocks_plugin._hub_client._handle import Handle, check_revision
from keras_resblocks_plugin._hub_client._snapshot import (
    Snapshot,
    digest,
    fetch,
    list_digests,
    look_up,
)

__all__ = [
    "AccessError",
    "DamagedError",
    "Handle",
    "HubClient",
    "HubError",
    "NotCachedError",
    "NotFoundError",
    "SilentHubError",
    "Snapshot",
    "check_revision",
    "digest",
    "fetch",
    "list_digests",
    "look_up",
    "missing_token",
]
