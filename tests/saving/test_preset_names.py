"""Names in a preset that would become paths."""

import keras
import keras_hub
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import check_shareable
from tests.saving.presets import check_preset, edit, tiny_segmenter
from tests.tiny import (
    assert_refused,
    tiny_classifier,
)


@pytest.mark.parametrize("name", ["../../.bashrc", "/etc/cron.d/x", "a/b.json", "config.json", ""])
@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("preprocessor.json", "config.config_file"),
        ("task.json", "config.preprocessor.config.config_file"),
    ],
)
def test_a_preset_does_not_choose_what_the_next_save_writes(folder, file, place, name):
    edit(folder / file, place, name)
    for load in (
        krp.ResBlockBackbone.from_preset,
        krp.ResBlockImageClassifier.from_preset,
        krp.ResBlockImageClassifierPreprocessor.from_preset,
        krp.ResBlockImageConverter.from_preset,
        check_shareable,
        lambda preset: krp.push_to_hub(preset, "hf://user/name", dry_run=True),
    ):
        assert_refused(lambda load=load: load(folder), f"`{folder / file}`", "config_file")


def test_not_even_for_a_class_of_the_users(folder):
    @keras.saving.register_keras_serializable("tests_of_schemas")
    class UsersPreprocessor(keras_hub.models.Preprocessor):
        pass

    edit(folder / "preprocessor.json", "registered_name", "tests_of_schemas>UsersPreprocessor")
    edit(folder / "preprocessor.json", "config", {"config_file": "users_preprocessor.json"})
    check_preset(folder)
    edit(folder / "preprocessor.json", "config", {"config_file": "../users_preprocessor.json"})
    assert_refused(lambda: check_preset(folder), "config_file", str(folder / "preprocessor.json"))


@pytest.mark.parametrize("name", ["../x", "a/b", "C:x", "a\\b", "keras_resblocks_plugin>X", "", 3])
@pytest.mark.parametrize("file", ["config.json", "task.json", "preprocessor.json"])
def test_names_of_layers_are_no_paths(folder, file, name):
    place = "config.backbone.config.name" if file == "task.json" else "config.name"
    edit(folder / file, place, name)
    assert_refused(lambda: check_preset(folder), place, f"`{folder / file}`")


def test_not_even_through_stock_loading(folder, tmp_path):
    edit(folder / "preprocessor.json", "config.config_file", "../written.json")
    edit(folder / "task.json", "config.preprocessor.config.config_file", "../written.json")
    for cls in (keras_hub.models.ImageClassifier, keras_hub.models.ImageClassifierPreprocessor):
        # Keras puts the error into one of its own.
        with pytest.raises((TypeError, ValueError), match="config_file"):
            cls.from_preset(str(folder))
    segmenter = tiny_segmenter()
    preprocessor = keras_hub.models.DeepLabV3ImageSegmenterPreprocessor(
        keras_hub.layers.DeepLabV3ImageConverter(image_size=(64, 64)),
        config_file="../written.json",
    )
    segmenter.preprocessor = preprocessor
    assert_refused(
        lambda: krp.push_to_hub(segmenter, "hf://user/name", dry_run=True), "config_file"
    )
    assert not list(tmp_path.rglob("written.json"))


@pytest.mark.parametrize("config_file", ["../evil.json", "my.json"])
def test_a_save_stays_in_its_folder_whatever_the_preprocessor_says(tmp_path, config_file):
    stock = keras_hub.models.ImageClassifierPreprocessor(
        keras_hub.layers.ImageConverter(image_size=(16, 16)), config_file=config_file
    )
    for preprocessor in (stock, tiny_classifier().preprocessor):
        preprocessor.config_file = config_file
        classifier = tiny_classifier(preprocessor=preprocessor)
        save = classifier.save_to_preset
        assert_refused(lambda save=save: save(tmp_path / "a" / "b"), "config_file")
    assert_refused(lambda: preprocessor.save_to_preset(tmp_path / "a" / "b"), "config_file")
    assert not list(tmp_path.rglob("*.json"))
