"""Pictures to augment."""

import numpy as np


def smooth_picture(height, width, seed=0):
    """A colourful picture with large shapes, like a photograph's, and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 40
    phases = rng.uniform(0, 6, (3, 1, 1))
    waves = np.sin(x + phases) + np.cos(1.7 * y - phases) + np.sin(x * y / 8 + 2 * phases)
    picture = 128 + 40 * waves + rng.normal(0, 8, (3, height, width))
    return picture.clip(0, 255).astype("uint8").transpose(1, 2, 0).copy()
