"""Class activation maps of a classifier with average pooling and a dense head."""

from collections.abc import Sequence

import keras
import numpy as np

import keras_resblocks_plugin as krp

# Places a side at which a map is sampled, if the last features have fewer cells.
PLACES = 16


def activation_maps(
    classifier: krp.ResBlockImageClassifier, pixels: np.ndarray, classes: Sequence[int]
) -> np.ndarray:
    """Class-activation maps over the last features, finer than these.

    A class's logit is the mean of `features · weights` over the cells of the last features: the
    map of [Zhou et al., 2016](https://arxiv.org/abs/1512.04150). But an image of 64 pixels has
    2×2 cells, each of which sees the whole image and knows by the padding which corner it is. So
    the net looks at the image shifted by parts of a cell, up to one and a half each way, mirrored
    at its borders, and each place gets the mean of all cells whose centre came to lie there
    (after "shift and stitch", [Long et al., 2015](https://arxiv.org/abs/1411.4038)). A larger
    image would have more cells too, but the net recognizes less in it. The maps stay coarse: they
    say about where.

    The mean of all classes is taken off the weights. No probability changes by that, and what
    is left speaks for the class rather than for any.

    Args:
        classifier: A classifier with `pooling="avg"`.
        pixels: One image as the backbone reads it, `(side, side, channels)`.
        classes: The indices of the classes to map.

    Returns:
        Array of shape `(len(classes), places, places)`: how much each place speaks for the class.

    Raises:
        ValueError: If the head does not average the features.
    """
    pooling = classifier.get_config()["pooling"]
    if pooling != "avg":
        raise ValueError(
            'Activation maps need a head with `pooling="avg"`, whose logits are means over the '
            f"image. Received: pooling={pooling!r}"
        )
    side = pixels.shape[0]
    cells = classifier.backbone.compute_output_shape((1, *pixels.shape))[1]
    cell, steps = side // cells, max(1, PLACES // cells)
    reach = 3 * cell // 2
    padded = np.pad(pixels, [(reach, reach)] * 2 + [(0, 0)], mode="reflect")
    origins = ((np.arange(3 * steps) + 0.5) * cell / steps).astype(int)
    looks = np.stack([padded[y : y + side, x : x + side] for y in origins for x in origins])
    kernel = keras.ops.convert_to_numpy(classifier.output_dense.kernel)
    weights = (kernel - kernel.mean(axis=1, keepdims=True))[:, classes]
    seen = classifier.backbone.predict(looks, verbose=0) @ weights
    seen = seen.reshape(3 * steps, 3 * steps, cells, cells, len(classes))
    # The place of each shift and cell: the unshifted ones are the middle third of the shifts.
    place = np.add.outer(np.arange(3 * steps), np.arange(cells) * steps) - steps
    total = np.zeros((len(classes), cells * steps, cells * steps))
    count = np.zeros_like(total)
    inside = (place >= 0) & (place < cells * steps)
    for y, a in np.argwhere(inside):
        for x, b in np.argwhere(inside):
            total[:, place[y, a], place[x, b]] += seen[y, x, a, b]
            count[:, place[y, a], place[x, b]] += 1
    return total / count
