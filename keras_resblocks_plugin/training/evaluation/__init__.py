"""Figures, pictures and a page of what a classifier gets wrong."""
