"""The model card of a push: edits stay, results are updated."""

import json

import pytest
from huggingface_hub import ModelCard

import keras_resblocks_plugin as krp


def _card(hub) -> ModelCard:
    return ModelCard(hub.repo().find().files["README.md"].content.decode())


def _set_result(preset, value: float) -> None:
    training = json.loads((preset / "training.json").read_text())
    training["results"]["validation_top1"] = value
    (preset / "training.json").write_text(json.dumps(training))


def test_the_card_keeps_edits_and_gets_new_results(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    card = _card(hub)
    assert (card.data.library_name, card.data.pipeline_tag) == ("keras-hub", "image-classification")
    assert card.data.datasets == ["user/images"]
    assert card.data.eval_results[0].metric_value == 0.5
    assert 'from_preset("hf://user/name")' in card.text
    edited = str(card).replace("# name", "# Ours").replace("apache-2.0", "mit")
    hub.repo().edit({"README.md": edited.encode()})
    _set_result(preset, 0.75)
    krp.push_to_hub(preset, "hf://user/name")
    card = _card(hub)
    assert "# Ours" in card.text
    assert card.data.license == "mit"
    assert card.data.eval_results[0].metric_value == 0.75
    krp.push_to_hub(preset, "hf://user/name", overwrite_card=True)
    assert "# Ours" not in _card(hub).text
    assert "| 0.75 |" in _card(hub).text


@pytest.mark.parametrize("card", [b"\xff\xfe# name", b"---\na: [ ^\n---\n"])
def test_a_card_that_cannot_be_read_is_refused_in_words(hub, preset, card):
    krp.push_to_hub(preset, "hf://user/name")
    hub.repo().edit({"README.md": card})
    with pytest.raises(ValueError, match=r"README.md, must be UTF-8.*`overwrite_card=True`"):
        krp.push_to_hub(preset, "hf://user/name")
    krp.push_to_hub(preset, "hf://user/name", overwrite_card=True)
    assert _card(hub).data.library_name == "keras-hub"


def test_a_card_nobody_edited_is_written_anew(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    _set_result(preset, 0.75)
    krp.push_to_hub(preset, "hf://user/name")
    assert "| 0.75 |" in _card(hub).text
    assert "| 0.5 |" not in _card(hub).text
