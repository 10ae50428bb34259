"""Presets whose kernels are stored in half precision."""

import json

import keras_hub
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

import keras_resblocks_plugin as krp
from tests.helpers import values
from tests.tiny import assert_refused, contents, photos, predict, tiny_backbone, tiny_classifier


def rounded(value, dtype):
    return value.astype(dtype).astype("float32") if value.ndim > 1 else value


@pytest.mark.parametrize(
    ("name", "dtype"), [("bfloat16", ml_dtypes.bfloat16), ("float16", np.float16)]
)
@pytest.mark.parametrize("make", [tiny_backbone, tiny_classifier])
def test_kernels_are_stored_in_half_the_size_and_vectors_keep_theirs(tmp_path, make, name, dtype):
    model = make()
    model.save_to_preset(tmp_path / "whole")
    model.save_to_preset(tmp_path / "half", dtype=name)
    tensors = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.ndim: tensor.dtype for tensor in tensors.values()} == {4: dtype, 1: "float32"}
    total = json.loads((tmp_path / "half" / "model.weights.json").read_text())["metadata"]
    assert total["total_size"] == sum(tensor.nbytes for tensor in tensors.values())
    # The model itself stays as it was, and the loaded one has rounded float32 kernels.
    backbone = getattr(model, "backbone", model)
    for load in (krp.ResBlockBackbone.from_preset, keras_hub.models.Backbone.from_preset):
        loaded = values(load(str(tmp_path / "half")))
        for path, value in values(backbone).items():
            np.testing.assert_array_equal(loaded[path], rounded(value, dtype))
    loaded = values(krp.ResBlockBackbone.from_preset(tmp_path / "whole"))
    np.testing.assert_equal(loaded, values(backbone))


def test_the_head_of_a_classifier_keeps_its_precision_and_fits(tmp_path):
    classifier = tiny_classifier()
    classifier.save_to_preset(tmp_path / "half", dtype="bfloat16")
    for cls in (krp.ResBlockImageClassifier, keras_hub.models.ImageClassifier):
        loaded = cls.from_preset(str(tmp_path / "half"))
        head = values(loaded)["predictions/kernel"]
        np.testing.assert_array_equal(head, values(classifier)["predictions/kernel"])
        np.testing.assert_allclose(
            predict(loaded, photos()), predict(classifier, photos()), rtol=0.1, atol=0.1
        )


def test_other_dtypes_are_refused_and_nothing_changes(tmp_path):
    backbone = tiny_backbone()
    backbone.save_to_preset(tmp_path / "preset")
    before = contents(tmp_path)
    for dtype in ("int8", "float32", "half", 16):
        assert_refused(
            lambda dtype=dtype: backbone.save_to_preset(tmp_path / "preset", dtype=dtype),
            "`dtype` must be one of None, 'bfloat16', 'float16'",
        )
    assert contents(tmp_path) == before
