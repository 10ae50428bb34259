"""The command `keras-resblocks`."""

from keras_resblocks_plugin.cli._app import main

__all__ = ["main"]
