"""Measurements and pictures of a model: its blocks, its cost, and the evidence for a class."""

from keras_resblocks_plugin.diagnostics._activation_maps import activation_maps
from keras_resblocks_plugin.diagnostics._callback import ResidualDiagnostics
from keras_resblocks_plugin.diagnostics._explain import explain
from keras_resblocks_plugin.diagnostics._multiply_adds import multiply_adds

__all__ = ["ResidualDiagnostics", "activation_maps", "explain", "multiply_adds"]
