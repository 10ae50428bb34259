"""One function reads every image as a person sees it, and one every mask."""

import datasets
import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_resblocks_plugin.diagnostics import _explain
from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image, read_mask
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.detection import _data as _detection_data
from keras_resblocks_plugin.training.segmentation import _classes as _segmentation_classes
from keras_resblocks_plugin.training.segmentation import _data as _segmentation_data
from tests.fixtures import call_script
from tests.training.decoded import load_images

# A picture whose upper left quarter is red, on gray: turned or mirrored, it is another one.
PICTURE = np.full((20, 30, 3), 128, "uint8")
PICTURE[:10, :15] = (200, 40, 40)
GRAY = np.asarray(Image.fromarray(PICTURE).convert("L"))
SIXTEEN = GRAY.astype("uint16") * 257


def picture(mode: str) -> Image.Image:
    """The picture in a mode of Pillow."""
    rgb = Image.fromarray(PICTURE)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(rgb, *profiles, outputMode="LAB")
    if mode.startswith("I;16"):
        dtype = {"I;16B": ">u2"}.get(mode, "<u2")
        return Image.frombytes(mode, rgb.size, SIXTEEN.astype(dtype).tobytes())
    if mode == "CMYK":
        # Converting from RGB and back is exact.
        return rgb.convert("CMYK")
    if mode == "PA":
        return rgb.convert("P").convert("PA")
    if mode == "La":
        return rgb.convert("LA").convert("La")
    return rgb.convert("RGBA").convert(mode) if mode == "RGBa" else rgb.convert(mode)


@pytest.mark.parametrize(
    "mode",
    [
        *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr"),
        *("LAB", "HSV", "I;16", "I;16L", "I;16B", "I;16N"),
    ],
)
def test_each_mode_is_the_picture_that_a_person_sees(mode):
    seen = read_image(picture(mode))
    assert (seen.shape, seen.dtype) == ((20, 30, 3), np.uint8)
    if mode == "1":
        assert set(np.unique(seen)) == {0, 255}
        # Dithered: as dark as the gray is, on the whole.
        assert abs(seen.mean() - GRAY.mean()) < 10
        return
    expected = PICTURE if mode in "P PA RGB RGBX RGBA RGBa CMYK YCbCr LAB HSV".split() else GRAY
    expected = np.broadcast_to(expected if expected.ndim == 3 else expected[..., None], seen.shape)
    # Palettes of the web have steps of 51, other colour spaces a step or two.
    tolerance = 51 if mode in ("P", "PA") else 3
    assert np.abs(seen.astype(int) - expected).max() <= tolerance
    if mode.startswith("I;16"):
        np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_camera_was_held(orientation, tmp_path):
    # From the upright picture to the stored one, for each value of the tag.
    stored = {
        **{1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1]},
        **{4: lambda x: x[::-1], 5: lambda x: x.swapaxes(0, 1)},
        **{6: lambda x: np.rot90(x, 1), 7: lambda x: np.rot90(x, 2).swapaxes(0, 1)},
        8: lambda x: np.rot90(x, -1),
    }[orientation](PICTURE)
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[0x0112] = orientation
    file = tmp_path / "phone.png"
    image.save(file, exif=exif)
    np.testing.assert_array_equal(read_image(file), PICTURE)
    np.testing.assert_array_equal(read_image(file.read_bytes()), PICTURE)
    np.testing.assert_array_equal(read_image({"bytes": None, "path": str(file)}), PICTURE)


def test_explain_looks_at_a_photo_upright(tmp_path, monkeypatch):
    image = Image.fromarray(np.ascontiguousarray(np.rot90(PICTURE, 1)))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "phone.png", exif=exif)
    drawn = []
    monkeypatch.setattr(_explain, "draw_explanation", lambda out, image, *rest: drawn.append(image))
    call_script("explain", tmp_path / "phone.png")
    # The middle square of the upright picture is red in its upper left.
    red = drawn[0][..., 0].astype(int) - drawn[0][..., 1] > 60
    assert red[:100, :100].mean() > 0.9
    assert red[220:].mean() == red[:, 220:].mean() == 0


def test_transparency_shows_white():
    clear = np.dstack([PICTURE, np.where(np.arange(30) < 15, 255, 0)[None].repeat(20, 0)])
    image = Image.fromarray(clear.astype("uint8"))
    palette = image.convert("RGB").quantize(4)
    palette.info["transparency"] = palette.getpixel((29, 19))
    seen = read_image(image)
    np.testing.assert_array_equal(seen[:, :15], PICTURE[:, :15])
    assert (seen[:, 15:] == 255).all()
    assert (read_image(palette)[15, 25] == 255).all()
    gray = Image.fromarray(GRAY)
    gray.info["transparency"] = 128
    assert (read_image(gray)[15, 25] == 255).all()


def test_sixteen_bits_are_scaled_in_files_too(tmp_path):
    for name in ("x.png", "x.tif"):
        Image.fromarray(SIXTEEN).save(tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name)[..., 1], GRAY)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (SIXTEEN.astype("int32"), r"32-bit integers \(mode I\).* 22616 to 32896"),
        (GRAY.astype("float32"), r"floats \(mode F\) has no known range"),
    ],
)
def test_numbers_of_no_known_range_are_an_error(values, words):
    with pytest.raises(UnreadableImage, match=words):
        read_image(Image.fromarray(values))


def test_damaged_files_are_an_error(tmp_path):
    file = tmp_path / "x.png"
    Image.fromarray(PICTURE).save(file)
    whole = file.read_bytes()
    for content in (b"", b"text", whole[:40], whole[: len(whole) // 2]):
        with pytest.raises(UnreadableImage):
            read_image(content)
    for nothing in (None, {"bytes": None, "path": None}):
        with pytest.raises(UnreadableImage, match="there is no image"):
            read_image(nothing)
    with pytest.raises(UnreadableImage, match="No such file"):
        read_image(tmp_path / "none.png")


# === Masks ===
def test_masks_keep_their_numbers():
    ids = np.arange(600).reshape(20, 30) % 200
    palette = Image.new("P", (30, 20))
    palette.putpalette(list(range(255, -1, -1)) * 3)
    palette.putdata(ids.ravel().tolist())
    np.testing.assert_array_equal(read_mask(palette), ids)
    np.testing.assert_array_equal(read_mask(Image.fromarray(ids.astype("uint8"))), ids)
    for dtype in ("uint16", "int32", "float32"):
        image = Image.fromarray((ids * 300).astype(dtype))
        np.testing.assert_array_equal(read_mask(image), ids * 300)
    ones = Image.fromarray(ids.astype("uint8") > 99)
    np.testing.assert_array_equal(read_mask(ones), ids > 99)


def save_masks(folder, *masks, image=None):
    features = datasets.Features(image=datasets.Image(), mask=datasets.Image())
    columns = {"image": [image or Image.fromarray(PICTURE)] * len(masks), "mask": list(masks)}
    folder.mkdir()
    rows = datasets.Dataset.from_dict(columns, features=features)
    rows.to_parquet(folder / "train-00000-of-00001.parquet")
    return folder


def load_masks(folder, values=None, ignored=None):
    arguments = str(folder), "train", folder.parent / "cache", None, "image", "mask", False
    images = _segmentation_data.load_masked_images(*arguments, values, ignored)
    return images, _segmentation_classes.find_classes(None, ignored, images, values)


def test_any_values_are_mapped_by_the_flags_that_errors_name(tmp_path):
    half = np.where(np.arange(30) < 15, 0, 255)[None].repeat(20, 0)
    black_and_white = save_masks(tmp_path / "a", Image.fromarray(half.astype("uint8")))
    with pytest.raises(ValueError, match=r"--class-values 0 255.*values 0, 255"):
        load_masks(black_and_white)
    images, classes = load_masks(black_and_white, [0, 255])
    assert classes.names == ["0", "255"]
    np.testing.assert_array_equal(classes.lookup[images.masks.array[0]], half // 255)
    large = save_masks(tmp_path / "b", Image.fromarray((half * 100 + 7).astype("uint16")))
    with pytest.raises(ValueError, match=r"--class-values.*the values 7, 25507"):
        load_masks(large)
    with pytest.raises(ValueError, match=r"--class-values.*the values 7, 25507"):
        load_masks(large, [7, 8])
    half[:3] = 9
    third = save_masks(tmp_path / "c", Image.fromarray((half * 100 + 7).astype("int32")))
    images, classes = load_masks(third, [25507, 7], 907)
    ids = classes.lookup[images.masks.array[0]]
    assert (ids[:3] == classes.ignored).all()
    assert (ids[3:, :15] == 1).all()
    assert (ids[3:, 15:] == 0).all()
    coloured = save_masks(tmp_path / "d", Image.fromarray(PICTURE))
    with pytest.raises(
        ValueError, match=r"one channel.*\(mode RGB\).*\(128, 128, 128\), \(200, 40"
    ):
        load_masks(coloured)


# === Every reader ===
def test_training_segmentation_and_detection_read_the_same_pixels(tmp_path):
    ids = Image.fromarray((np.arange(600).reshape(20, 30) % 2).astype("uint8"))
    for mode in ("I;16", "RGBA", "CMYK"):
        image = picture(mode)
        if mode == "RGBA":
            image.putalpha(Image.fromarray(GRAY))
        suffix = {"I;16": "png", "RGBA": "png", "CMYK": "tif"}[mode]
        file = tmp_path / f"{mode.replace(';', '')}.{suffix}"
        image.save(file)
        expected = read_image(file)
        raw = {"bytes": file.read_bytes(), "path": None}
        folder = save_masks(tmp_path / f"{mode.replace(';', '')}", ids, image=raw)
        images, _ = load_masks(folder)
        np.testing.assert_array_equal(images.images.array[0], expected)

        columns = {"image": [raw], "label": [0]}
        columns["objects"] = [{"bbox": [[0, 0, 5, 5]], "category": [0]}]
        features = datasets.Features(
            image=datasets.Image(),
            label=datasets.ClassLabel(names=["a", "b"]),
            objects={
                "bbox": datasets.Sequence(datasets.Sequence(datasets.Value("float32"))),
                "category": datasets.Sequence(datasets.ClassLabel(names=["a", "b"])),
            },
        )
        other = tmp_path / f"{mode.replace(';', '')}_boxes"
        other.mkdir()
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(other / "train-00000-of-00001.parquet")
        labelled = load_images(str(other), "train", Square(20), tmp_path / "cache")
        np.testing.assert_array_equal(labelled.images[0], expected[:, 5:25])
        arguments = str(other), "train", tmp_path / "cache", 20, "image", "objects", False, False
        boxed = _detection_data.load_boxed_images(*arguments)
        scaled = Image.fromarray(expected).resize((20, 20), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(boxed.images.array[0], scaled)
