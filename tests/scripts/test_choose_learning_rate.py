"""`choose_learning_rate.py` chooses by held-out images, and keeps all results."""

import json
import re
import sys

import choose_learning_rate
import pytest

from keras_resblocks_plugin.training import read_recipe
from keras_resblocks_plugin.training._tried_rates import describe_tried_rates


def test_the_best_rate_goes_into_the_recipe_and_the_record(dataset, recipe, tmp_path, monkeypatch):
    mine = tmp_path / "mine.toml"
    # Plain images are learnt faster.
    before = re.sub("(zoom|mixup_alpha|cutmix_probability) = .*", r"\1 = 0.0", recipe.read_text())
    mine.write_text(before)

    def choose(*rates):
        arguments = [mine, "--data", dataset, "--cache", tmp_path / "cache", "--rates", *rates]
        monkeypatch.setattr(sys, "argv", ["choose_learning_rate.py", *map(str, arguments)])
        choose_learning_rate.main(choose_learning_rate.parse_args())
        return json.loads((tmp_path / "mine.learning_rate.json").read_text())

    def tried(data):
        return describe_tried_rates(mine, read_recipe(mine), data)

    assert tried(dataset.name) is None
    # The colours are told apart in two epochs at the one rate and not at the other.
    record = choose(1e-6, 0.1)
    assert record["epochs"] == 2
    assert record["chosen"] == 0.1
    assert record["held_out_top1"]["0.1"] > record["held_out_top1"]["1e-06"]
    assert mine.read_text() == before.replace("learning_rate = 0.05", "learning_rate = 0.1")
    assert read_recipe(mine).schedule.learning_rate == 0.1
    assert "after 2 epochs: 1e-06 " in tried(dataset.name)
    assert tried("other") is None

    # A rate that was tried is not tried again: a changed accuracy is kept.
    file = tmp_path / "mine.learning_rate.json"
    file.write_text(json.dumps({**record, "held_out_top1": {"1e-06": 0.9, "0.1": 0.2}}))
    assert choose(1e-6, 0.1)["chosen"] == 1e-6
    # Those of another network are not taken for its own.
    mine.write_text(mine.read_text().replace('block_type = "bn"', 'block_type = "act"'))
    assert tried(dataset.name) is None
    with pytest.raises(ValueError, match=r'`recipe.backbone.block_type` was "bn", now "act"'):
        choose(1e-6, 0.1)


def test_of_rates_that_chance_may_have_ordered_the_smallest_is_taken():
    # With 1,000 images and 6.1% right, one standard error is 0.76 points.
    after_two_epochs = {"0.01": 0.014, "0.03": 0.032, "0.1": 0.055, "0.15": 0.059, "0.3": 0.061}
    assert choose_learning_rate.choose(after_two_epochs, 1000) == 0.1
    assert choose_learning_rate.choose(after_two_epochs, 100_000) == 0.3
    assert choose_learning_rate.choose({"0.01": 0.0, "0.1": 0.0}, 1000) == 0.01


def test_a_recipe_without_a_rate_is_said_before_training(recipe, tmp_path, monkeypatch):
    mine = tmp_path / "mine.toml"
    mine.write_text(recipe.read_text().replace("learning_rate = 0.05\n", ""))
    arguments = [mine, "--data", tmp_path / "nowhere", "--cache", tmp_path]
    monkeypatch.setattr(sys, "argv", ["choose_learning_rate.py", *map(str, arguments)])
    with pytest.raises(ValueError, match="one line `learning_rate"):
        choose_learning_rate.main(choose_learning_rate.parse_args())
