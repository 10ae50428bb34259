"""The picture of a training run: one panel per statistic, one row per block."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

TITLES = {
    "residual_ratio": "residual / shortcut, norms",
    "dead_units": "share of dead units",
    "weight_update": "relative weight update",
}


def save_picture(
    history: Mapping[str, Mapping[str, Sequence[float]]], epochs: Sequence[int], file: Path
) -> None:
    """Draws each statistic by block, the first at the top, and by epoch."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    blocks = list(history["dead_units"])
    figure = Figure(figsize=(13, 1.6 + 0.28 * len(blocks)), layout="constrained")
    panels = figure.subplots(1, len(TITLES), sharey=True)
    for axes, (statistic, title) in zip(panels, TITLES.items(), strict=True):
        values = np.array([history[statistic][block] for block in blocks])
        if statistic == "dead_units":
            norm, colours = Normalize(0, 1), "Reds"
        else:
            # A logarithmic scale, since half and twice are equally far from one. Zero and infinity
            # stay white.
            shown = values[np.isfinite(values) & (values > 0)]
            norm = LogNorm(*(shown.min(), shown.max()) if shown.size else (0.1, 1))
            colours = "viridis"
        edges = np.array([*epochs, epochs[-1] + 1]) - 0.5
        mesh = axes.pcolormesh(
            edges, np.arange(len(blocks) + 1), values, norm=norm, cmap=colours, rasterized=True
        )
        figure.colorbar(mesh, ax=axes)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_yticks(np.arange(len(blocks)) + 0.5, blocks)
    panels[0].invert_yaxis()
    figure.savefig(file, dpi=100, metadata={"Software": None})
