"""The pieces of a training run, in this process."""

import dataclasses
import io

import datasets
import keras
import numpy as np
import psutil
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import _callbacks, _recipe, _training
from keras_resblocks_plugin.training.data import _data
from keras_resblocks_plugin.training.data._resizing import Square
from tests.made_data import photographs, save_dataset


@pytest.fixture(scope="module")
def images(dataset, tmp_path_factory):
    return _data.load_images(str(dataset), "train", Square(32), tmp_path_factory.mktemp("cache"))


def test_images_are_decoded_once_and_square(dataset, images, tmp_path):
    assert images.images.shape == (120, 32, 32, 3)
    assert images.images.dtype == "uint8"
    assert images.class_names == ["red", "green", "blue"]
    first = _data.load_images(str(dataset), "validation", Square(32), tmp_path)
    (cached,) = tmp_path.glob("*-images.npy")
    before = cached.stat().st_mtime_ns
    again = _data.load_images(str(dataset), "validation", Square(32), tmp_path)
    assert cached.stat().st_mtime_ns == before
    np.testing.assert_array_equal(first.images, again.images)
    # JPEG or PNG, what is in the file is what is in the array: these are lossless.
    pixels = np.asarray(photographs(30, 1)["image"][1])
    np.testing.assert_array_equal(first.images[1], pixels)


def test_rows_are_decoded_by_themselves(dataset, images, tmp_path):
    split = _data.open_split(str(dataset), "train", tmp_path)
    rows = np.array([3, 5, 110])
    some = split.decode(Square(32), rows)
    np.testing.assert_array_equal(some.images, images.images[rows])
    np.testing.assert_array_equal(some.labels, images.labels[rows])
    # Nothing else is on the disk, and it is found again.
    (cached,) = tmp_path.glob("*-images.npy")
    before = cached.stat().st_mtime_ns
    split.decode(Square(32), rows)
    assert cached.stat().st_mtime_ns == before


def test_images_are_read_where_they_lie_and_not_copied(tmp_path):
    count, side = 4000, 96
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", "uint8", (count, side, side, 3))
    array[:, 0, 0, 0] = np.arange(count) % 251
    array.flush()
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    images = _data.ImageSet(mapped, np.zeros(count, "int32"), ["one"])
    identity = keras.layers.Rescaling(1.0)
    process = psutil.Process()
    before = process.memory_info()
    rows = np.arange(count)
    batches = _training.evaluation_batches(images, rows, 10, identity)
    seen = np.concatenate([x[:, 0, 0, 0].copy() for x, _ in batches.as_numpy_iterator()])
    np.testing.assert_array_equal(seen, np.arange(count) % 251)
    after = process.memory_info()
    # What is mapped from the file counts as shared.
    own = (after.rss - after.shared) - (before.rss - before.shared)
    assert own < array.nbytes / 4, own


def test_grayscale_and_unreadable_images(tmp_path):
    gray = Image.fromarray(np.full((20, 30), 77, "uint8"))
    square = Square(10)(np.asarray(gray.convert("RGB")))
    np.testing.assert_array_equal(square, np.full((10, 10, 3), 77))
    broken = io.BytesIO()
    gray.save(broken, "PNG")
    columns = photographs(6, 0)
    columns["image"][3] = {"bytes": broken.getvalue()[:40], "path": None}
    folder = save_dataset(tmp_path / "broken", train=columns)
    with pytest.raises(ValueError, match="Image 3 of the split 'train': it cannot be read"):
        _data.load_images(str(folder), "train", Square(32), tmp_path / "cache")


def test_labels_are_integers(tmp_path):
    columns = photographs(6, 0)
    columns["label"] = ["red", "green", "blue"] * 2
    features = datasets.Features(image=datasets.Image(), label=datasets.Value("string"))
    rows = datasets.Dataset.from_dict(columns, features=features)
    (tmp_path / "data").mkdir()
    rows.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(ValueError, match=r"needs a column 'label' of integer labels"):
        _data.load_images(str(tmp_path / "data"), "train", Square(32), tmp_path / "cache")


def test_held_out_rows_are_no_training_rows():
    kept, held_out = _data.hold_out(100, 0.1, seed=3)
    assert len(held_out) == 10
    assert sorted([*kept, *held_out]) == list(range(100))
    np.testing.assert_array_equal(held_out, _data.hold_out(100, 0.1, seed=3)[1])
    assert set(held_out) != set(_data.hold_out(100, 0.1, seed=4)[1])


def test_the_converter_normalizes_the_training_pixels(images):
    converter = _training.build_converter(images.images, 32)
    converted = keras.ops.convert_to_numpy(converter(images.images.astype("float32")))
    # The stored factors have eight digits.
    np.testing.assert_allclose(converted.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(converted.std((0, 1, 2)), 1, atol=1e-4)


def test_images_of_the_right_size_are_converted_without_resizing(images, recipe):
    off = dict.fromkeys(("mixup_alpha", "cutmix_probability", "zoom", "translation"), 0.0)
    plain = dataclasses.replace(_recipe.read_recipe(recipe), flip=False, **off)
    converter = _training.build_converter(images.images, 32)
    batches = _training.training_batches(images, np.arange(120), plain, converter, seed=0)
    x, _ = next(batches.as_numpy_iterator())
    resized = keras.ops.convert_to_numpy(converter(images.images.astype("float32")))
    for image in x:
        # What resizing to the same size does to a float is rounding.
        assert min(np.abs(image - other).max() for other in resized) < 1e-5


def test_images_may_lie_anywhere_in_memory(images):
    size = images.images.nbytes
    memory = np.empty(size + 128, "uint8")
    # TensorFlow's kernels abort the process over such an address.
    start = (1 - memory.ctypes.data) % 64
    pixels = memory[start : start + size].reshape(images.images.shape)
    pixels[...] = images.images
    moved = dataclasses.replace(images, images=pixels)
    identity = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    batches = _training.evaluation_batches(moved, np.arange(40), 20, identity)
    x = np.concatenate([x for x, *_ in batches.as_numpy_iterator()])
    np.testing.assert_array_equal(x, images.images[:40])


def test_a_shift_keeps_images_sharp(images, recipe):
    off = dict.fromkeys(("mixup_alpha", "cutmix_probability", "zoom"), 0.0)
    shifted = dataclasses.replace(_recipe.read_recipe(recipe), translation=0.2, flip=False, **off)
    identity = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    batches = _training.training_batches(images, np.arange(120), shifted, identity, seed=0)
    x, _ = next(batches.as_numpy_iterator())
    originals = images.images.reshape(120, -1, 3)
    moved = 0
    for image in x:
        # A blend of two pixels would be a colour that no image has.
        colours = {tuple(pixel) for pixel in image.reshape(-1, 3)}
        assert any(colours <= {tuple(pixel) for pixel in other} for other in originals)
        moved += not any(np.array_equal(image.reshape(-1, 3), other) for other in originals)
    assert moved > len(x) / 2


def test_batches_are_augmented_and_keep_their_labels(images, recipe):
    off = dict.fromkeys(("mixup_alpha", "cutmix_probability", "translation", "zoom"), 0.0)
    plain = dataclasses.replace(_recipe.read_recipe(recipe), **off)
    rows = np.arange(120)
    identity = krp.ResBlockImageConverter(image_size=(32, 32), scale=1.0)
    x, y = next(
        _training.training_batches(images, rows, plain, identity, seed=0).as_numpy_iterator()
    )
    assert x.shape == (20, 32, 32, 3)
    np.testing.assert_array_equal(np.argmax(x.mean((1, 2)), axis=1), np.argmax(y, axis=1))
    originals = images.images.astype("float32")
    mirrored = originals[:, :, ::-1]
    same = [any(np.array_equal(image, other) for other in originals) for image in x]
    flipped = [any(np.array_equal(image, other) for other in mirrored) for image in x]
    assert all(a != b for a, b in zip(same, flipped, strict=True))
    assert 0 < sum(flipped) < 20

    mixed = dataclasses.replace(plain, mixup_alpha=0.4)
    _, y = next(
        _training.training_batches(images, rows, mixed, identity, seed=0).as_numpy_iterator()
    )
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    assert np.any((y > 0.01) & (y < 0.99))


def test_recomputed_statistics_are_those_of_the_data():
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    rng = np.random.default_rng(0)
    batches = [(rng.normal(2, 3, (16, 8, 8, 3)).astype("float32"), None) for _ in range(4)]
    _training.recompute_batch_norm(backbone, batches, range(4))
    stem = backbone.get_layer("stem0_conv")
    norm = backbone.get_layer("stem0_norm")
    features = [keras.ops.convert_to_numpy(stem(x)) for x, _ in batches]
    mean = np.mean([f.mean((0, 1, 2)) for f in features], axis=0)
    variance = np.mean([f.var((0, 1, 2)) for f in features], axis=0)
    # Sums of a few thousand float32 numbers of order 1, in another order.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(norm.moving_mean), mean, atol=1e-5)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(norm.moving_variance), variance, rtol=1e-4
    )
    assert norm.momentum == 0.9


@pytest.fixture
def model():
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    model = krp.ResBlockImageClassifier(backbone, num_classes=2, compile=False)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    return model


def _fit(model, folder, epochs):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 8, 8, 3)).astype("float32"), np.arange(8) % 2
    backup = _callbacks.Backup(folder, steps_per_epoch=2)
    return model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=[backup]).epoch


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_truncated_backups_do_not_block_the_restart(model, tmp_path, damaged):
    assert _fit(model, tmp_path, 2) == [0, 1]
    for name in ("latest.weights.h5", "latest.weights.h5.bkp")[:damaged]:
        file = tmp_path / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    # Two good epochs in the last backup, one in that before it, none where both are damaged.
    assert _fit(model, tmp_path, 3) == list(range(2 - damaged, 3))


def test_new_weights_with_an_old_epoch_do_not_repeat_it(model, tmp_path):
    _fit(model, tmp_path, 2)
    metadata = tmp_path / "training_metadata.json"
    metadata.write_text((tmp_path / "training_metadata.json.bkp").read_text())
    assert _fit(model, tmp_path, 3) == [2]
    metadata.write_text('{"epoch"')
    assert _fit(model, tmp_path, 4)[-1] == 3
