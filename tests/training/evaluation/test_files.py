"""The folder that `evaluate` writes: figures, pictures, and the page of the worst images."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from keras_resblocks_plugin.training import EvaluateConfig, evaluate
from keras_resblocks_plugin.training.evaluation import _worst_images
from tests.helpers import to_numpy
from tests.training.evaluation.data import (
    COUNT,
    NAMES,
    pictures,
    predicted,
    save_named,
    save_preset,
)

FILES = ["confusion_matrix.png", "evaluation.json", "reliability.png", "worst_images.html"]
BROKEN = 5


def softmax(outputs):
    exponentials = np.exp(outputs)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """The result, the folder, and the probabilities of the images that can be read."""
    folder = tmp_path_factory.mktemp("evaluated")
    preset = save_preset(folder / "preset", [*NAMES[:4], "<b>rat</b>", "yak"])
    names = ["<b>rat</b>", "cat", "yak"]
    images = pictures()
    file = io.BytesIO()
    images[BROKEN].save(file, "PNG")
    images[BROKEN] = {"bytes": file.getvalue()[:40], "path": None}
    config = EvaluateConfig(
        preset=str(preset),
        data=str(save_named(folder / "data", names, images=images)),
        out=folder / "out",
        skip_unreadable=True,
    )
    return evaluate(config), folder / "out", softmax(to_numpy(predicted(preset))[:, [4, 0, 5]])


def test_the_report_is_of_the_compared_classes_and_readable_images(evaluated):
    results, folder, probabilities = evaluated
    assert sorted(path.name for path in folder.iterdir()) == FILES
    report = json.loads((folder / "evaluation.json").read_text())
    assert results["images"] == report["images"] == COUNT - 1
    assert report["unreadable_images_left_out"] == 1
    assert {key: report[key] for key in results} == results
    assert [each["name"] for each in report["per_class"]] == ["<b>rat</b>", "cat", "yak"]
    assert sum(each["images"] for each in report["per_class"]) == COUNT - 1
    hits = sum(each["images"] * each["accuracy"] for each in report["per_class"])
    assert hits / report["images"] == pytest.approx(results["top1"], abs=1e-3)
    # The softmax is over the compared classes alone: none is less likely than a third.
    confidence = np.delete(probabilities.max(axis=1), BROKEN)
    assert sum(each["images"] for each in report["calibration_bins"][:5]) == 0
    gap = confidence.mean() - results["top1"]
    sums = [x["images"] * (x["confidence"] or 0) for x in report["calibration_bins"]]
    assert sum(sums) / (COUNT - 1) - results["top1"] == pytest.approx(gap, abs=1e-3)


def test_the_page_shows_the_images_that_are_most_wrong(evaluated):
    _, folder, probabilities = evaluated
    page = (folder / "worst_images.html").read_text()
    labels = np.arange(COUNT) % 3
    wrong = [row for row in range(COUNT) if row != BROKEN]
    wrong = [row for row in wrong if probabilities[row].argmax() != labels[row]]
    wrong.sort(key=lambda row: -probabilities[row].max())
    assert 3 < len(wrong) < COUNT
    rows = [int(row) for row in re.findall(r"row (\d+)", page)]
    assert rows == wrong
    shown = re.findall(r"base64,([^\"]+)", page)
    for row, content in zip(rows, shown, strict=True):
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))), "float32")
        assert np.abs(image - np.asarray(pictures()[row], "float32")).mean() < 12
    percents = re.findall(r"</b> ([\d.]+)%", page)
    expected = [f"{100 * probabilities[row].max():.1f}" for row in wrong]
    np.testing.assert_allclose([*map(float, percents)], [*map(float, expected)], atol=0.11)
    # A name is text. Nothing is loaded from elsewhere.
    assert "&lt;b&gt;rat&lt;/b&gt;" in page
    assert "<b>rat" not in page
    assert not re.findall(r"https?://|<script|<link", page)


def test_a_large_image_is_shown_small_and_a_page_has_its_limit(tmp_path, monkeypatch):
    from keras_resblocks_plugin.training.evaluation._outcomes import Outcomes

    monkeypatch.setattr(_worst_images, "SHOWN", 2)
    outcomes = Outcomes(
        ["cat", "dog"], np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([0.6, 0.9, 0.7])
    )
    image = Image.new("RGB", (900, 300), "red")
    titles = {"preset": "p", "data": "d", "split": "s"}
    _worst_images.write_page(
        tmp_path / "page.html", outcomes, np.arange(10, 13), lambda row: image, **titles
    )
    page = (tmp_path / "page.html").read_text()
    assert re.findall(r"row (\d+)", page) == ["11", "12"]
    assert "3 of 3 images" in page
    content = re.findall(r"base64,([^\"]+)", page)[0]
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (160, 53)


def test_nothing_is_written_where_nothing_is_asked_for_and_no_error_is_no_problem(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    preset, data = save_preset(tmp_path / "preset"), save_named(tmp_path / "data", ["fox"])
    before = sorted(tmp_path.rglob("*"))
    config = {"preset": str(preset), "data": str(data)}
    results = evaluate(EvaluateConfig(**config))
    assert sorted(tmp_path.rglob("*")) == before
    assert results["top1"] == 1
    assert results["ece"] == 0
    assert evaluate(EvaluateConfig(**config, out=tmp_path / "out")) == results
    page = (tmp_path / "out" / "worst_images.html").read_text()
    assert "0 of 24 images" in page
    assert "<figure>" not in page
