"""Errors for missing boxes and categories, which name the row or the column."""

import re

import datasets
import pytest

from keras_resblocks_plugin.training import DetectionConfig, finetune
from keras_resblocks_plugin.training.data import _classes
from keras_resblocks_plugin.training.detection import _data as _detection_data
from tests.training.detection.scenes import save_scenes
from tests.training.made_presets import save_preset

pytestmark = pytest.mark.slow

BOX = [0, 0, 8, 8]
NUMBERS = datasets.List(datasets.Value("int64"))


def save_objects(folder, objects, category=NUMBERS):
    """Saves a training split whose last row has these objects, or `None`."""
    save_scenes(folder, train=3)
    file = folder / "train-00000-of-00001.parquet"
    rows = datasets.Dataset.from_parquet(str(file), cache_dir=str(folder.parent / "cache"))
    content = rows.cast_column("image", datasets.Image(decode=False)).to_dict()
    first = {"bbox": [BOX], "category": ["a" if category != NUMBERS else 0]}
    content["objects"] = [first, first, objects]
    bbox = datasets.List(datasets.List(datasets.Value("float32")))
    features = datasets.Features(
        image=datasets.Image(), objects={"bbox": bbox, "category": category}
    )
    datasets.Dataset.from_dict(content, features=features).to_parquet(file)
    return folder


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        (None, "must have lists of `bbox` and `category`"),
        ({"bbox": None, "category": [0]}, "must have lists of `bbox` and `category`"),
        ({"bbox": [BOX], "category": None}, "must have lists of `bbox` and `category`"),
        ({"bbox": [BOX], "category": [None]}, r"a category of 0 or more .*\[None\]"),
        ({"bbox": [BOX, None], "category": [0, 1]}, "width and height of each box.*: None"),
        ({"bbox": [[0, 0, None, 8]], "category": [0]}, "width and height of each box.*None"),
        ({"bbox": [[0, 0, 8]], "category": [0]}, "width and height of each box"),
    ],
)
def test_missing_objects_are_named_with_their_row(tmp_path, objects, words):
    data = save_objects(tmp_path / "data", objects)
    with pytest.raises(ValueError, match=rf"Row 2 of the split 'train' .*{words}"):
        _detection_data.load_boxed_images(
            *(str(data), "train", tmp_path / "cache", 16, "image", "objects", True, True)
        )


def test_unnamed_categories_are_read_by_the_training_split(tmp_path):
    train = save_objects(tmp_path / "a", {"bbox": [BOX], "category": [2]})
    without = save_objects(tmp_path / "b", {"bbox": [], "category": []})
    most, few = (
        _detection_data.load_boxed_images(
            *(str(data), "train", tmp_path / "cache", 16, "image", "objects"), False, False
        )
        for data in (train, without)
    )
    assert few.class_names == ["0"]
    read = _classes.read_by(few, most.class_names, "It", "the split")
    assert read.class_names == ["0", "1", "2"]
    with pytest.raises(ValueError, match=r"It must have the same classes .* only there 1, 2"):
        _classes.read_by(most, few.class_names, "It", "the split")


def test_categories_that_are_words_and_a_missing_column_are_named(tmp_path):
    words = datasets.List(datasets.Value("string"))
    data = save_objects(tmp_path / "data", {"bbox": [], "category": []}, words)
    places = {"data": str(data), "out": tmp_path / "run"}
    preset = str(save_preset(tmp_path / "preset"))
    with pytest.raises(ValueError, match=r"'objects' of the dataset .* integers.*ClassLabel"):
        finetune(DetectionConfig(preset=preset, **places))
    message = re.escape("needs a column 'things' of objects; name another with --objects-column")
    with pytest.raises(ValueError, match=message):
        finetune(DetectionConfig(preset=preset, **places, objects_column="things"))
