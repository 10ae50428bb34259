"""The scripts that users run, each a command of `keras-resblocks`."""

import os

# Silences TensorFlow's messages at start-up.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from keras_resblocks_plugin.cli._command_line import new_app, run, script
from keras_resblocks_plugin.cli._options import options_of

__all__ = ["new_app", "options_of", "run", "script"]
