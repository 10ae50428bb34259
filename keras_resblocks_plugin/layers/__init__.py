"""Layers that residual blocks are built of."""
