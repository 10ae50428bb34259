"""Assertions about the outcome of a push or pull."""

import re
import traceback
from collections.abc import Callable

import keras
import numpy as np
from huggingface_hub import ModelCard

from tests.helpers import images, to_numpy
from tests.hub.server import Hub
from tests.tiny import contents as contents


def on_hub(hub: Hub, name: str, revision: str = "main") -> dict[str, bytes]:
    """The bytes of all pushed files but the card, by path, without the files that the Hub adds."""
    files = hub.repos[name].find(revision).files
    added = (".gitattributes", "README.md")
    return {path: file.content for path, file in files.items() if path not in added}


def card_of(hub: Hub) -> ModelCard:
    """The card of `user/name` on the Hub."""
    return ModelCard(hub.repo().find().files["README.md"].content.decode())


def logits(model: keras.Model) -> np.ndarray:
    """The outputs of a classifier or backbone for two random images."""
    return to_numpy(model(images(2, 8, 8, 3)))


def error_of(hub: Hub, action: Callable, *args, **kwargs) -> str | None:
    """The message of the error that the action raises, or `None` if it succeeds.

    The error must be of a type that the command line prints in one line, with no token in its
    traceback.
    """
    try:
        action(*args, **kwargs)
    except (ValueError, OSError) as raised:
        error = raised
    else:
        return None
    text = "".join(traceback.format_exception(error))
    assert not [token for token in hub.tokens if token in text]
    return str(error)


def assert_fails(hub: Hub, match: str, action: Callable, *args, **kwargs) -> None:
    """The action raises an error whose message matches `match`; see `error_of`."""
    error = error_of(hub, action, *args, **kwargs)
    assert error is not None
    assert re.search(match, error), error
