"""Functions of Keras and KerasHub that cannot load these presets are documented."""

import pathlib

import keras
import keras_hub
import pytest

import keras_resblocks_plugin as krp

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_the_page_and_the_card_say_what_to_use_instead(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    card = hub.repo().find("main").files["README.md"].content.decode()
    for page in (card, README.read_text()):
        for door in ("keras_hub.upload_preset()", "keras.saving.load_model(", "krp.push_to_hub()"):
            assert door in page

    # Remove the sentences when these calls work.
    before = hub.repo().history()
    with pytest.raises(FileNotFoundError, match="weights file is missing"):
        keras_hub.upload_preset("hf://user/other", str(preset))
    with pytest.raises((UnboundLocalError, ValueError)):
        keras.saving.load_model("hf://user/name")
    assert hub.repo().history() == before
