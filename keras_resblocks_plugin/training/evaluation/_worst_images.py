"""A page of the images that a classifier is most wrong about."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_resblocks_plugin._utils._replace import replacing_file
from keras_resblocks_plugin.training.evaluation._outcomes import Outcomes

SHOWN = 100
# Of a thumbnail, in pixels.
_SIDE = 160
_TEMPLATE = Path(__file__).with_name("worst_images.html")


def worst_images(outcomes: Outcomes) -> np.ndarray:
    """The indices of wrong predictions, the most confident first."""
    wrong = np.flatnonzero(~outcomes.correct)
    return wrong[np.argsort(-outcomes.confidence[wrong], kind="stable")]


def write_page(
    file: Path,
    outcomes: Outcomes,
    rows: np.ndarray,
    image_of: Callable[[int], Any],
    **titles: str,
) -> None:
    """Writes one HTML file, with the images in it.

    Args:
        file: The file to write.
        outcomes: `Outcomes`. The predictions.
        rows: The row of each image in its split.
        image_of: Gives the image of a row, as `read_image` takes it.
        **titles: The `preset`, `data` and `split`, for the heading.
    """
    import jinja2

    wrong = worst_images(outcomes)
    names = outcomes.class_names
    shown = [
        {
            "row": int(rows[index]),
            "jpeg": _thumbnail(image_of(int(rows[index]))),
            "true": names[outcomes.labels[index]],
            "predicted": names[outcomes.predicted[index]],
            "probability": float(outcomes.confidence[index]),
        }
        for index in wrong[:SHOWN]
    ]
    # Names of classes and files are of unknown origin.
    template = jinja2.Environment(autoescape=True).from_string(_TEMPLATE.read_text())
    page = template.render(shown=shown, wrong=len(wrong), images=len(rows), **titles)
    with replacing_file(file) as staged:
        staged.write_text(page, encoding="utf-8")


def _thumbnail(source: Any) -> str:
    """The bytes of a small JPEG file, as a data URL has them."""
    from PIL import Image

    from keras_resblocks_plugin.training.data._images import read_image

    image, content = Image.fromarray(read_image(source)), io.BytesIO()
    image.thumbnail((_SIDE, _SIDE))
    image.save(content, "JPEG", quality=85)
    return base64.b64encode(content.getvalue()).decode()
