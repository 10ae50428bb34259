"""The count of timm's published weights, of one small architecture."""

import json

import pytest

from tests.convert.timm_import import import_timm

import_timm()


def test_an_architecture_is_compared_once(tmp_path, capsys, monkeypatch):
    import count_timm

    from tests.convert import random_timm

    results, page = tmp_path / "timm.json", tmp_path / "timm.md"
    arguments = ["--only", "resnet10t", "--results", str(results), "--page", str(page)]
    count_timm.main(count_timm.parse_args(arguments))
    printed = capsys.readouterr().out
    assert "resnet10t: equal" in printed
    assert "back as resnet10t" in printed
    assert "| resnet | 1 | " in printed
    architectures = json.loads(results.read_text())["architectures"]
    assert architectures["resnet10t"]["tags"] == ["c3_in1k"]
    assert "difference" not in architectures["resnet18"]
    assert "halve their first convolution" in architectures["senet154"]["refused"]
    text = page.read_text()
    assert "| `resnet10t` | c3_in1k | 5.4 M | " in text
    assert "| `senet154` | 1 | whose bottlenecks halve" in text
    assert "| `resnet18` | 7 | not compared |" in text

    # What is done is not done again, and what fails is said.
    def fail(name, folder):
        raise ValueError(f"no {name}")

    monkeypatch.setattr(random_timm, "compare", fail)
    count_timm.main(count_timm.parse_args(arguments))
    assert "no resnet10t" not in capsys.readouterr().out
    count_timm.main(count_timm.parse_args([*arguments, "--again"]))
    assert "resnet10t: ValueError: no resnet10t" in capsys.readouterr().out
    assert "| `resnet10t` | 1 | ValueError: no resnet10t |" in page.read_text()


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("resnet50", "resnet"),
        ("resnext50_32x4d", "resnext"),
        ("wide_resnet50_2", "wide_resnet"),
        ("ecaresnetlight", "ecaresnet"),
        ("resnetv2_50d", "resnetv2"),
        ("resnetv2_50x1_bit", "resnetv2, BiT"),
        ("regnety_008_tv", "regnety"),
    ],
)
def test_families(name, family):
    import _timm_page

    assert _timm_page.family(name) == family
