"""Class activation maps of a classifier with average pooling and a dense head."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

# The places per side at which a map is sampled, if the last features have fewer cells.
PLACES = 16


def activation_maps(
    classifier: ResBlockImageClassifier, pixels: np.ndarray, classes: Sequence[int]
) -> np.ndarray:
    """Computes class activation maps, finer than the last features.

    The logit of a class is the mean of `features · weights` over the cells of the last features,
    and its map is the term of each cell ([Zhou et al.,
    2016](https://arxiv.org/abs/1512.04150)). But an image of 64 pixels has 2×2 cells, each of
    which sees the whole image and knows from the padding which corner it is. So the network sees
    the image shifted by fractions of a cell, up to one and a half in each direction, mirrored at
    the borders. Each place gets the mean of all cells whose centre came to lie there (after
    "shift and stitch", [Long et al., 2015](https://arxiv.org/abs/1411.4038)). A larger image
    would have more cells too, but the network recognizes less in it. The maps stay coarse.

    The mean over all classes is subtracted from the weights. This changes no probability, and
    what is left is evidence for the class rather than for any class.

    Args:
        classifier: A `krp.ResBlockImageClassifier` with `pooling="avg"`.
        pixels: One preprocessed image, `(side, side, channels)`.
        classes: list of ints. The indices of the classes to map.

    Returns:
        Array of shape `(len(classes), places, places)` with the evidence at each place.

    Raises:
        ValueError: If the head does not average the features.

    Example:

    ```python
    batch = image[None].astype("float32")
    likeliest = np.argsort(-classifier.predict(batch)[0])[:3]
    pixels = keras.ops.convert_to_numpy(classifier.preprocessor(batch))[0]
    maps = krp.diagnostics.activation_maps(classifier, pixels, likeliest)
    ```
    """
    pooling = classifier.get_config()["pooling"]
    if pooling != "avg":
        raise ValueError(
            '`classifier` must have `pooling="avg"` for activation maps: logits that are means '
            f"over the image. Received: pooling={pooling!r}"
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
