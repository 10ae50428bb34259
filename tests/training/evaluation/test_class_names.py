"""`evaluate` compares classes by name: all of a preset's, in any order, or some of them."""

import numpy as np
import pytest

from keras_resblocks_plugin.training import EvaluateConfig, evaluate
from keras_resblocks_plugin.training.data import _classes
from keras_resblocks_plugin.training.data._labelled_images import open_split
from tests.helpers import to_numpy
from tests.training.evaluation.data import COUNT, NAMES, predicted, save_named, save_preset


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    return save_preset(tmp_path_factory.mktemp("named") / "preset")


def measure(preset, data, **options):
    return evaluate(EvaluateConfig(preset=str(preset), data=str(data), **options))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (NAMES, ""),
        (NAMES[::-1], "6 classes, which the preset has in another order"),
        (["yak", "cat", "owl"], "3 of the preset's 6 classes, as if"),
        (["fox"], "1 of the preset's 6 classes, as if"),
    ],
)
def test_classes_are_mapped_by_name(names, said, preset, tmp_path, capsys):
    results = measure(preset, save_named(tmp_path / "data", names))
    outputs = to_numpy(predicted(preset))[:, [NAMES.index(name) for name in names]]
    labels = np.arange(COUNT) % len(names)
    rank = np.sum(outputs >= outputs[np.arange(COUNT), labels][:, None], axis=1)
    expected = {f"top{k}": round(float(np.mean(rank <= k)), 4) for k in (1, 5)}
    assert {key: results[key] for key in ("images", "classes", "top1", "top5")} == {
        **{"images": COUNT, "classes": len(names)},
        **expected,
    }
    output, errors = capsys.readouterr()
    assert "Compared" not in output
    lines = [line for line in errors.splitlines() if line.startswith("Compared")]
    assert len(lines) == bool(said)
    assert said in "".join(lines)


def test_other_names_are_refused_and_named(preset, tmp_path):
    data = save_named(tmp_path / "data", ["cat", "gnu"])
    with pytest.raises(ValueError, match=r"same classes as .*: only there gnu; only"):
        measure(preset, data)


def test_doubled_names_of_a_preset_are_refused(tmp_path):
    preset = save_preset(tmp_path / "preset", ["cat", "dog", "cat", "owl"])
    data = save_named(tmp_path / "data", ["owl", "dog"])
    with pytest.raises(ValueError, match=r"Received: doubled names of .*preset.*: cat"):
        measure(preset, data)


def test_doubled_names_of_a_dataset_are_refused(tmp_path):
    split = open_split(str(save_named(tmp_path / "data", ["owl", "dog"])), "validation", tmp_path)
    split = type(split)(**{**vars(split), "class_names": ["owl", "owl"]})
    with pytest.raises(ValueError, match=r"Received: doubled names of the split: owl"):
        _classes.outputs_by_name(split, NAMES, "the split", "the preset")


def test_numbers_are_not_names(tmp_path):
    preset = save_preset(tmp_path / "preset", ["0", "1", "2"])
    with pytest.raises(ValueError, match="Received: the order"):
        measure(preset, save_named(tmp_path / "reversed", ["2", "1", "0"]))
    results = measure(preset, save_named(tmp_path / "fewer", ["0", "1"]))
    # The last class has no images, and is predicted all the same.
    top = to_numpy(predicted(preset)).argmax(axis=1)
    assert results["classes"] == 3
    assert results["top1"] == round(float(np.mean(top == np.arange(COUNT) % 2)), 4)
    # A preset may have names that are numbers among others; the labels 0 and 1 are not these.
    mixed = save_preset(tmp_path / "mixed", ["plus", "0", "1"])
    with pytest.raises(ValueError, match=r"only in the preset .* plus"):
        measure(mixed, tmp_path / "fewer")
