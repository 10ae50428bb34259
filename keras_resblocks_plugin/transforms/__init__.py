"""Functions that change a built model."""
