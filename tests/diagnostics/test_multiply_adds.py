"""Multiply-adds against a count by hand, and of the bundled recipes."""

import keras
import multiply_adds
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training._recipe import read_recipe
from tests.fixtures import SCRIPTS
from tests.tiny import assert_refused, tiny_backbone, tiny_classifier

RECIPES = sorted((SCRIPTS / "recipes").glob("resblock_*_small.toml"))


@pytest.mark.parametrize("shortcut", ["auto", "pad"])
def test_a_small_backbone_by_hand(shortcut):
    backbone = krp.ResBlockBackbone(
        *("bn", [4, 6], [1, 1], [1, 2], [4], [3], [2]), block_kwargs={"shortcut": shortcut}
    )
    stem = 3 * 3 * 3 * 4 * (8 * 8)
    first = 2 * 3 * 3 * 4 * 4 * (8 * 8)
    second = (3 * 3 * 4 * 6 + 3 * 3 * 6 * 6) * (4 * 4)
    projection = 4 * 6 * (4 * 4) if shortcut == "auto" else 0
    assert krp.diagnostics.multiply_adds(backbone, 16) == stem + first + second + projection


def test_the_backbone_of_a_classifier_is_counted():
    classifier = tiny_classifier()
    assert krp.diagnostics.multiply_adds(classifier, 16) == krp.diagnostics.multiply_adds(
        classifier.backbone, 16
    )


def test_bad_arguments():
    assert_refused(lambda: krp.diagnostics.multiply_adds(keras.Sequential(), 16), "`model` must be")
    assert_refused(
        lambda: krp.diagnostics.multiply_adds(tiny_backbone(), 16.5),
        "`image_size` must be a positive integer. Received: image_size=16.5",
    )


def test_the_bundled_recipes_are_matched_in_compute():
    counts = {
        file.stem: krp.diagnostics.multiply_adds(
            krp.ResBlockBackbone(**read_recipe(file).backbone), 64
        )
        for file in RECIPES
    }
    assert len(counts) == 6
    reference = counts["resblock_bn_small"]
    assert all(abs(count / reference - 1) <= 0.15 for count in counts.values()), counts


def test_the_command_prints_a_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["multiply_adds.py", *map(str, RECIPES[:2])])
    multiply_adds.main(multiply_adds.parse_args())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[2].endswith("| 1.00 |")
