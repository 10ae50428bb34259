"""Weights in and out of safetensors files."""

import json
import sys

import keras
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.saving import _weights as weights
from keras_resblocks_plugin.saving._folder_files import FolderFiles
from tests.helpers import images, to_numpy, values
from tests.tiny import assert_refused, tiny_backbone


@pytest.fixture
def folder(tmp_path):
    weights.save_weights(tiny_backbone(), tmp_path)
    return tmp_path


def load(model, folder):
    weights.load_weights(model, FolderFiles(folder).weights())


def save_file(arrays, file):
    """Saves arrays with the reference library, which ignores how they lie in memory."""
    ordered = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    safetensors.numpy.save_file(ordered, file)


def rewrite(folder, arrays):
    """Writes a file and its index with the reference library."""
    save_file(arrays, folder / "model.safetensors")
    index = {"weight_map": dict.fromkeys(arrays, "model.safetensors")}
    (folder / "model.weights.json").write_text(json.dumps(index))


def assert_same(left, right):
    assert left.keys() == right.keys()
    for path in left:
        np.testing.assert_array_equal(left[path], right[path], err_msg=path)


def random_backbone(**kwargs):
    """The architecture of `tiny_backbone`, with other values."""
    return fill_uniform(tiny_backbone(**kwargs))


def fill_uniform(backbone, only=""):
    rng = np.random.default_rng(5)
    for weight in backbone.weights:
        if only in weight.path:
            weight.assign(rng.uniform(size=tuple(weight.shape)).astype("float32"))
    return backbone


def test_the_reference_library_reads_what_is_written(folder):
    stored = safetensors.numpy.load_file(folder / "model.safetensors")
    assert_same(stored, values(tiny_backbone()))


def test_what_the_reference_library_writes_is_read(folder):
    expected = values(random_backbone())
    rewrite(folder, expected)
    backbone = tiny_backbone()
    load(backbone, folder)
    assert_same(values(backbone), expected)


@pytest.mark.parametrize("model_dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("file_dtype", ["float32", "float16", ml_dtypes.bfloat16])
def test_every_precision_loads_into_every_other(folder, file_dtype, model_dtype):
    arrays = {path: value.astype(file_dtype) for path, value in values(tiny_backbone()).items()}
    rewrite(folder, arrays)
    backbone = random_backbone(dtype=model_dtype)
    load(backbone, folder)
    target = ml_dtypes.bfloat16 if model_dtype == "bfloat16" else "float32"
    expected = {
        path: array.astype("float32").astype(target).astype("float32")
        for path, array in arrays.items()
    }
    assert_same(values(backbone), expected)
    assert backbone.weights[0].dtype == model_dtype


def test_bfloat16_weights_are_stored_as_they_are(tmp_path):
    backbone = tiny_backbone(dtype="bfloat16")
    weights.save_weights(backbone, tmp_path)
    stored = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    assert {array.dtype.name for array in stored.values()} == {"bfloat16"}
    other = random_backbone(dtype="bfloat16")
    load(other, tmp_path)
    assert_same(values(other), values(backbone))


def test_large_tensors_load_into_memory_of_their_own(tmp_path):
    # Large enough for the arrays that become tensors without a copy.
    def large():
        dense = keras.layers.Dense(20_000, name="wide")
        return keras.Sequential([keras.Input((16,)), dense], name="large")

    model, other = large(), large()
    weights.save_weights(model, tmp_path)
    load(other, tmp_path)
    expected = values(model)
    assert_same(values(other), expected)
    (tmp_path / "model.safetensors").write_bytes(b"")
    other.compile("sgd", "mse")
    other.fit(np.ones((4, 16)), np.zeros((4, 20_000)), verbose=0)
    assert not np.array_equal(values(other)["large/wide/kernel"], expected["large/wide/kernel"])
    assert_same(values(model), expected)


def test_all_weights_that_do_not_fit_are_listed_and_none_is_assigned(folder):
    arrays = values(tiny_backbone())
    del arrays["stem0_conv/kernel"], arrays["stack1_block0/norm2/beta"]
    rewrite(folder, arrays | {"stack9_block9/conv1/kernel": np.zeros(3, "float32")})
    backbone = random_backbone()
    before = values(backbone)
    assert_refused(
        lambda: load(backbone, folder),
        str(folder),
        "Missing: stack1_block0/norm2/beta, stem0_conv/kernel.",
        "Unexpected: stack9_block9/conv1/kernel.",
        folder=folder,
    )
    assert_same(values(backbone), before)


def test_all_misshaped_weights_are_listed_and_none_is_assigned(folder):
    backbone = random_backbone(filters=5)
    before = values(backbone)
    assert_refused(
        lambda: load(backbone, folder),
        str(folder),
        "stack1_block0/conv1/kernel (3, 3, 4, 6) in place of (3, 3, 4, 5)",
        "stack1_block0/norm1/gamma (6,) in place of (5,)",
        folder=folder,
    )
    assert_same(values(backbone), before)


def test_lora_is_merged_into_what_is_saved(tmp_path):
    backbone = tiny_backbone()
    backbone.enable_lora(2, target_layer_names=["conv1", "stem0_conv"])
    fill_uniform(backbone, only="lora")
    weights.save_weights(backbone, tmp_path)
    plain = random_backbone()
    load(plain, tmp_path)
    x = images(2, 16, 16, 3)
    expected = to_numpy(backbone(x))
    assert np.abs(expected - to_numpy(tiny_backbone()(x))).max() > 0.01
    # The same kernels; float32 adds them up in the same order.
    np.testing.assert_allclose(to_numpy(plain(x)), expected, rtol=1e-6, atol=1e-6)


def test_base_weights_load_into_a_lora_model_that_then_learns(folder):
    backbone = random_backbone()
    backbone.enable_lora(2, target_layer_names=["conv1"])
    fill_uniform(backbone, only="lora")
    load(backbone, folder)
    x = images(2, 16, 16, 3)
    np.testing.assert_allclose(
        to_numpy(backbone(x)), to_numpy(tiny_backbone()(x)), rtol=1e-6, atol=1e-6
    )
    before = values(backbone)
    model = keras.Sequential([backbone, keras.layers.GlobalAveragePooling2D()])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    # Two steps: `a` first has a gradient when `b` is no longer zero.
    model.fit(x, np.ones((2, 6)), epochs=2, verbose=0)
    after = values(backbone)
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert {path for path in changed if "lora" in path} == {
        f"stack{i}_block0/conv1/lora_kernel_{part}" for i in (0, 1) for part in "ab"
    }
    assert not any(path.endswith("conv1/kernel") for path in changed)


def test_a_save_removes_weights_that_a_loader_would_prefer(folder):
    (folder / "model.weights.h5").write_bytes(b"KerasHub's own")
    (folder / "model_00000.weights.h5").write_bytes(b"KerasHub's own")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = (folder / "model.weights.json").read_text()
    index = index.replace("model.safetensors", "model-1.safetensors")
    (folder / "model.weights.json").write_text(index)
    weights.save_weights(tiny_backbone(), folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors",
        "model.weights.json",
    ]


def test_weights_of_several_files_load(folder):
    arrays = values(random_backbone())
    paths = sorted(arrays)
    parts = {"a.safetensors": paths[:5], "b.safetensors": paths[5:]}
    for name, part in parts.items():
        save_file({path: arrays[path] for path in part}, folder / name)
    weight_map = {path: name for name, part in parts.items() for path in part}
    (folder / "model.weights.json").write_text(json.dumps({"weight_map": weight_map}))
    backbone = tiny_backbone()
    load(backbone, folder)
    assert_same(values(backbone), arrays)


LOAD_BIG = """
import math, re, sys
import keras_hub, keras_resblocks_plugin

def status(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

folder, warm_up = sys.argv[1:]
# What a backend sets up on its first use is no part of a load.
keras_hub.models.Backbone.from_preset(warm_up)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
backbone = keras_hub.models.Backbone.from_preset(folder)
sizes = [4 * math.prod(v.shape) for v in backbone.weights]
print(status("VmHWM") - before, sum(sizes), max(sizes))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Reads Linux' /proc.")
def test_memory_while_loading_peaks_at_the_weights_and_two_tensors(tmp_path, fresh_process):
    tiny_backbone().save_to_preset(tmp_path / "tiny")
    config = tiny_backbone("act").get_config()
    big = ResBlockBackbone.from_config(config | {"stackwise_num_filters": [768, 1024]})
    big.save_to_preset(tmp_path / "big")
    peak, total, largest = map(
        int, fresh_process(LOAD_BIG, tmp_path / "big", tmp_path / "tiny").split()
    )
    assert total > 80e6
    # 12 MB are for the layers, the graph and what the allocators round up.
    assert peak < total + 2 * largest + 12e6
