"""Datasets of images, read with the `datasets` library."""
