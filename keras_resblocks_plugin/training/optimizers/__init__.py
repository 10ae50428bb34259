"""Optimizers and learning rates with the arithmetic of published recipes."""
