"""The picture that explains a prediction: image, class activation maps, classes and blocks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def draw_explanation(
    file: Path,
    image: np.ndarray,
    guesses: Sequence[tuple[str, float]],
    maps: np.ndarray,
    residual_ratios: Mapping[str, float],
) -> None:
    """Draws the image and the maps above, the classes and the blocks below.

    Args:
        file: The PNG file to write.
        image: The image as the network sees it, `(side, side, 3)` of uint8.
        guesses: The most likely classes, as `(name, probability)`.
        maps: The activation maps of the first of them.
        residual_ratios: By block, the norm of its residual branch over that of its shortcut.
    """
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
    _draw_ratios(ratios, residual_ratios)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100, metadata={"Software": None})


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
