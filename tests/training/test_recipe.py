"""Recipes: their TOML form, their record, and the errors of invalid ones."""

import json
import tomllib

import pytest

from keras_resblocks_plugin.training import Recipe, Schedule, read_recipe
from tests.fixtures import SCRIPTS

RECIPES = sorted((SCRIPTS / "recipes").glob("*.toml"))
RECORDS = sorted((SCRIPTS.parent / "presets").glob("*/training.json"))


def test_the_record_of_a_recipe_has_the_keys_of_its_file():
    assert len(RECIPES) > 5
    for file in RECIPES:
        values = tomllib.loads(file.read_text())
        recipe = read_recipe(file)
        record = recipe.to_dict()
        assert {key: record[key] for key in values} == values
        assert Recipe.from_dict(json.loads(json.dumps(record))) == recipe


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.parent.name)
def test_recorded_recipes_stay_as_they_are(file):
    record = json.loads(file.read_text())["recipe"]
    assert json.dumps(Recipe.from_dict(record).to_dict()) == json.dumps(record)


def test_later_keys_are_recorded_where_they_differ_from_their_default(recipe):
    before = read_recipe(recipe).to_dict()
    later = "crop_probability = 1.0\ncrop_scale = [0.2, 1]\ncrop_ratio = [0.75, 1.25]\nhue = 0.0\n"
    recipe.write_text(later + recipe.read_text())
    changed = read_recipe(recipe)
    added = {"crop_probability": 1.0, "crop_scale": [0.2, 1], "crop_ratio": [0.75, 1.25]}
    assert changed.to_dict() == before | added
    assert list(changed.to_dict())[: len(before)] == list(before)
    assert Recipe.from_dict(json.loads(json.dumps(changed.to_dict()))) == changed


def test_epochs_and_dtype_replace_those_of_the_file(recipe):
    assert read_recipe(recipe).schedule.epochs == 3
    changed = read_recipe(recipe, epochs=5, dtype="mixed_bfloat16")
    assert (changed.schedule.epochs, changed.dtype) == (5, "mixed_bfloat16")
    assert changed.augmentation == read_recipe(recipe).augmentation


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = ", "not valid TOML"),
        ("[backbone]\n[schedule]\nepochs = 3", "no keys but backbone, .* Received: .*schedule"),
        ('epochs = "8"\n[backbone]', "`epochs` must be of type int. Received: '8'"),
        ("flip = 1\n[backbone]", "`flip` must be of type bool. Received: 1"),
        ("epochs = true\n[backbone]", "`epochs` must be of type int. Received: True"),
        ("crop_scale = 0.2\n[backbone]", "`crop_scale` must be two numbers. Received: 0.2"),
        ("crop_ratio = [1]\n[backbone]", r"`crop_ratio` must be two numbers. Received: \[1\]"),
        ("crop_scale = [0.5, 0.2]\n[backbone]", "mine.toml is invalid: `crop_scale` must be two"),
        ('mixup_mode = "all"\n[backbone]', "`mixup_mode` must be one of 'elem', 'batch'"),
        ("crop_until = 1.5\n[backbone]", "`crop_until` must be between 0 and 1. Received: 1.5"),
        ("hue = 0.6\n[backbone]", "`hue` must be between 0 and 0.5"),
        ("rand_augment_magnitude = 15\n[backbone]", "must be between 0 and 10"),
        ("repeated_augmentation = 0\n[backbone]", "must be at least 1"),
        ("translation = -0.1\n[backbone]", "`translation` must be at least 0"),
        ("epochs = 2\n[backbone]", "mine.toml is invalid: `warmup_epochs` must be less"),
    ],
)
def test_invalid_recipes_are_named(tmp_path, text, words):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_recipe(file)


def test_a_schedule_is_longer_than_its_warmup():
    with pytest.raises(ValueError, match=r"warmup_epochs=2\.0, epochs=2"):
        Schedule(epochs=2)
