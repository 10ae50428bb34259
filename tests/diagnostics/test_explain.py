"""The picture of activation maps, compared with maps computed by hand."""

import numpy as np
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from tests.fixtures import SCRIPTS, call_script
from tests.helpers import images
from tests.tiny import tiny_backbone, tiny_classifier

SAMPLES = SCRIPTS.parent / "presets" / "resblock_bn_small" / "samples"


def averaging_classifier() -> krp.ResBlockImageClassifier:
    """Its last features are the means of 16×16 tiles, and each class is one channel of them."""
    backbone = krp.ResBlockBackbone(
        *("identity", [3] * 4, [1] * 4, [2] * 4, [3], [1], [1]),
        block_kwargs={"shortcut": "avg_pool"},
    )
    for weight in backbone.weights:
        is_identity = "shortcut_conv" in weight.path or "stem0" in weight.path
        value = np.eye(3) if is_identity and weight.name == "kernel" else np.zeros(3)
        weight.assign(np.broadcast_to(value, weight.shape))
    classifier = krp.ResBlockImageClassifier(backbone, num_classes=3)
    classifier.output_dense.kernel.assign(np.eye(3))
    return classifier


def test_a_map_is_the_evidence_around_each_place():
    # The stem ends in a ReLU.
    pixels = np.abs(images(32, 32, 3))
    maps = krp.diagnostics.activation_maps(averaging_classifier(), pixels, [2, 0])
    assert maps.shape == (2, 16, 16)
    padded = np.pad(pixels, [(8, 8), (8, 8), (0, 0)], mode="reflect")
    for index, channel in enumerate([2, 0]):
        # What the class has and the mean class has not.
        evidence = padded[..., channel] - padded.mean(axis=-1)
        # By hand: the mean of the 16×16 pixels around the place, every second pixel is one.
        expected = [
            [evidence[y : y + 16, x : x + 16].mean() for x in range(1, 33, 2)]
            for y in range(1, 33, 2)
        ]
        # Means of 256 float32 numbers of order 1, in another order.
        np.testing.assert_allclose(maps[index], expected, atol=1e-5)


def test_a_head_that_does_not_average_has_no_maps():
    classifier = tiny_classifier(tiny_backbone(), pooling="max")
    with pytest.raises(ValueError, match="'max'"):
        krp.diagnostics.activation_maps(classifier, images(16, 16, 3), [0])


@pytest.fixture
def run_explain(tmp_path):
    def run(image):
        call_script("explain.py", image, "--out", tmp_path / "new" / "out.png")
        return Image.open(tmp_path / "new" / "out.png")

    return run


def test_one_picture_of_classes_maps_and_blocks(run_explain, capsys):
    with run_explain(SAMPLES / "cat.jpg") as picture:
        assert picture.size == (1300, 720)
        # The image is in it as it is, at the left, and the maps are coloured over grey ones.
        left, maps = (
            np.asarray(picture.convert("RGB").crop(box), "float32")
            for box in ((0, 50, 280, 330), (300, 50, 1150, 330))
        )
        assert left.std() > 30
        assert np.abs(maps[..., 0] - maps[..., 1]).max() > 50
    output = capsys.readouterr().out
    assert len([line for line in output.splitlines() if "%" in line]) == 5
    assert any(name in output for name in ("tabby", "Egyptian cat", "lion"))


def test_what_is_explained_is_the_prediction_for_the_whole_image(tmp_path, capsys):
    backbone = krp.ResBlockBackbone("bn", [8], [1], [2], [8], [3], [2])
    # It squeezes an image that is not square, and crops nothing.
    converter = krp.ResBlockImageConverter(
        image_size=(16, 16), scale=1 / 64, offset=-2.0, crop_to_aspect_ratio=False
    )
    classifier = krp.ResBlockImageClassifier(
        *(backbone, 3), preprocessor=krp.ResBlockImageClassifierPreprocessor(converter)
    )
    classifier.output_dense.kernel.assign(20 * classifier.output_dense.kernel)
    classifier.save_to_preset(str(tmp_path / "preset"))
    # Its middle square is black.
    pixels = np.full((20, 60, 3), [250, 40, 120], "uint8")
    pixels[:, 20:40] = 0
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    arguments = tmp_path / "wide.png", "--preset", tmp_path / "preset", "--out", tmp_path / "x.png"
    call_script("explain.py", *arguments)
    logits = classifier.predict(pixels[None].astype("float32"), verbose=0)
    (guesses,) = classifier.decode_predictions(logits, top=3)
    expected = [f"{chance:6.1%}  {name}" for name, chance in guesses]
    assert capsys.readouterr().out.splitlines()[:3] == expected


def test_bad_images_are_named(run_explain, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    for name in ("notes.png", "missing.png"):
        with pytest.raises(ValueError, match=name):
            run_explain(tmp_path / name)
