"""The picture of a prediction: what a classifier sees in an image, and where."""

from pathlib import Path

import keras
import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.diagnostics._activation_maps import activation_maps

# The side of the image in the picture, in pixels.
SHOWN = 320
MAPPED = 3


def explain(
    classifier: krp.ResBlockImageClassifier, image: np.ndarray, out: str | Path
) -> list[tuple[str, float]]:
    """Draws the most likely classes of an image, where the evidence is, and the blocks.

    One picture: the image, the most likely classes, a class activation map for each of the first
    three, and for every block the norm of its residual branch relative to its shortcut.

    Args:
        classifier: A `krp.ResBlockImageClassifier` with a preprocessor and `pooling="avg"`.
        image: uint8 array of shape `(height, width, 3)`. Where the converter has no size, or one
            that is not square, the middle square of the image is used.
        out: str or Path. The PNG file to write.

    Returns:
        List of `(name, probability)` of the five most likely classes.

    Raises:
        ValueError: If the predictions are not finite, or the head does not average the features.
        ImportError: If matplotlib or Pillow is not installed.
    """
    require("training", "matplotlib", "PIL")
    converter = classifier.preprocessor.image_converter
    height, width = converter.image_size or (None, None)
    if height is None or height != width:
        # The maps are square.
        image = _middle_square(image)
    batch = image[None].astype("float32")
    logits = classifier.predict(batch, verbose=0)
    if not np.isfinite(logits).all():
        raise ValueError(
            "The model's predictions must be finite to be explained. Received: NaN or infinity. "
            "The weights are from a training that diverged, or the image has values that overflow."
        )
    (guesses,) = classifier.decode_predictions(logits, top=5)
    likeliest = np.argsort(-logits[0])[:MAPPED]
    pixels = keras.ops.convert_to_numpy(converter(batch))[0]
    maps = activation_maps(classifier, pixels, likeliest)
    blocks = krp.ResidualDiagnostics.measure(classifier, batch)
    _draw(Path(out), _as_seen(converter, image), guesses, maps, blocks)
    return guesses


def _middle_square(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _as_seen(converter: keras.Layer, image: np.ndarray) -> np.ndarray:
    """The part of the image that the network sees, in more pixels."""
    changes = {"image_size": (SHOWN, SHOWN), "scale": None, "offset": None}
    resize = type(converter).from_config({**converter.get_config(), **changes})
    shown = keras.ops.convert_to_numpy(resize(image.astype("float32")))
    # Bicubic resizing leaves the range of pixels.
    return np.clip(np.round(shown), 0, 255).astype("uint8")


def _draw(out: Path, image, guesses, maps, blocks) -> None:
    """Draws the image and the maps above, the classes and the blocks below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7.2), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3.4, 3))
    panels = above.subplots(1, 1 + len(maps))
    # One scale for all maps, above zero even if there is no evidence at all.
    most = max(float(maps.max()), 1e-6)
    panels[0].imshow(image)
    panels[0].set_title("image")
    for axes, map_, (name, chance) in zip(panels[1:], maps, guesses, strict=False):
        overlay = _draw_map(axes, image, map_, most)
        axes.set_title(f"{name}, {chance:.0%}")
    for axes in panels:
        axes.axis("off")
    bar = above.colorbar(overlay, ax=panels, shrink=0.85, ticks=[0, most])
    bar.ax.set_yticklabels(["none", "most"])
    bar.set_label("evidence for the class", labelpad=-12)
    classes, ratios = below.subplots(1, 2, width_ratios=(1, 1.3))
    _draw_classes(classes, guesses)
    _draw_ratios(ratios, blocks["residual_ratio"])
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100, metadata={"Software": None})


def _draw_map(axes, image, map_, most: float):
    """Draws a map over the gray image, transparent where there is no evidence."""
    from PIL import Image

    # Averaging neighbours removes the noise between single looks.
    smooth = Image.fromarray(map_.astype("float32")).reduce(2)
    smooth = smooth.resize(image.shape[:2], Image.Resampling.BICUBIC)
    evidence = np.clip(np.asarray(smooth), 0, most)
    axes.imshow(image.mean(axis=-1), cmap="gray")
    return axes.imshow(
        evidence, cmap="inferno", vmin=0, vmax=most, alpha=0.75 * np.sqrt(evidence / most)
    )


def _draw_classes(axes, guesses) -> None:
    """Draws the most likely classes as bars."""
    names, chances = zip(*reversed(guesses), strict=True)
    bars = axes.barh(names, chances, color="#3d6ea5")
    axes.bar_label(bars, [f"{chance:.0%}" for chance in chances], padding=4)
    axes.set(title="most likely classes", xlim=(0, 1.12))
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])


def _draw_ratios(axes, ratios: dict[str, float]) -> None:
    """Draws, for each block in order, how much it adds to its shortcut."""
    axes.bar(list(ratios), list(ratios.values()), color="#5b8c5a")
    axes.axhline(1, color="black", lw=0.8, ls=":")
    axes.set(
        title="blocks, from the image to the head; at 1, both terms have the same norm",
        ylabel="‖residual‖ / ‖shortcut‖",
    )
    axes.tick_params("x", rotation=30)
    axes.spines[["top", "right"]].set_visible(False)
