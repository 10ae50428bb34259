"""A client of the Hugging Face Hub: handles, deadlines, retries, errors, and checked downloads.

It depends on `huggingface_hub` and on no other module of this package.
"""

from keras_resblocks_plugin._hub_client._client import HubClient
from keras_resblocks_plugin._hub_client._errors import (
    AccessError,
    BusyError,
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
    "BusyError",
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
