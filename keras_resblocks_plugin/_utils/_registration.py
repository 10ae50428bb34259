"""The package name under which Keras registers the classes of this package."""

PACKAGE = "keras_resblocks_plugin"
"""Saved models contain this name, so it never changes."""
