"""Model cards: edits on the Hub are kept, and results are updated."""

import json

import pytest

import keras_resblocks_plugin as krp
from tests.hub.outcomes import card_of


def _set_result(preset, value: float) -> None:
    training = json.loads((preset / "training.json").read_text())
    training["results"]["validation_top1"] = value
    (preset / "training.json").write_text(json.dumps(training))


def test_the_card_keeps_edits_and_gets_new_results(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    card = card_of(hub)
    assert (card.data.library_name, card.data.pipeline_tag) == ("keras-hub", "image-classification")
    assert card.data.datasets == ["user/images"]
    assert card.data.eval_results[0].metric_value == 0.5
    assert 'from_preset("hf://user/name")' in card.text
    edited = str(card).replace("# name", "# Ours").replace("apache-2.0", "mit")
    hub.repo().edit({"README.md": edited.encode()})
    _set_result(preset, 0.75)
    krp.push_to_hub(preset, "hf://user/name")
    card = card_of(hub)
    assert "# Ours" in card.text
    assert card.data.license == "mit"
    assert card.data.eval_results[0].metric_value == 0.75
    krp.push_to_hub(preset, "hf://user/name", overwrite_card=True)
    assert "# Ours" not in card_of(hub).text
    assert "| 0.75 |" in card_of(hub).text


@pytest.mark.parametrize("card", [b"\xff\xfe# name", b"---\na: [ ^\n---\n"])
def test_an_unreadable_card_is_refused(hub, preset, card):
    krp.push_to_hub(preset, "hf://user/name")
    hub.repo().edit({"README.md": card})
    with pytest.raises(ValueError, match=r"README.md, must be UTF-8.*`overwrite_card=True`"):
        krp.push_to_hub(preset, "hf://user/name")
    krp.push_to_hub(preset, "hf://user/name", overwrite_card=True)
    assert card_of(hub).data.library_name == "keras-hub"


def test_an_unedited_card_is_rewritten(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    _set_result(preset, 0.75)
    krp.push_to_hub(preset, "hf://user/name")
    assert "| 0.75 |" in card_of(hub).text
    assert "| 0.5 |" not in card_of(hub).text
