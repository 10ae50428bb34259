"""Keys, types and ranges in a preset's files: invalid ones are refused before anything is built."""

import json
import shutil

import pytest

import keras_resblocks_plugin as krp
from tests.saving.presets import check_preset, edit
from tests.tiny import (
    assert_refused,
)

IMPOSSIBLE = [
    ("config.json", "config.block_type", "bnn"),
    ("config.json", "config.stackwise_num_filters.0", 0),
    ("config.json", "config.stackwise_num_filters.0", 4.0),
    ("config.json", "config.stackwise_num_filters.0", True),
    ("config.json", "config.stackwise_num_blocks", "1"),
    ("config.json", "config.stackwise_num_blocks.0", -1),
    ("config.json", "config.input_conv_kernel_sizes.0", 2**63),
    ("config.json", "config.input_pooling", "maximum"),
    ("config.json", "config.block_kwargs", {"kernel": 3}),
    ("config.json", "config.block_kwargs", {"filters": 3}),
    ("config.json", "config.block_kwargs", {"drop_path_rate": 1}),
    ("config.json", "config.block_kwargs", {"activation": "threshold"}),
    ("config.json", "config.block_kwargs", {"activation": "os.system"}),
    ("config.json", "config.freeze_batch_norm", "yes"),
    ("config.json", "config.image_shape", [None, None]),
    ("config.json", "config.image_shape.2", 0),
    ("config.json", "config.data_format", "channels_middle"),
    ("config.json", "config.dtype", "float31"),
    ("config.json", "config.dtype.config.name", 16),
    ("config.json", "config.input_poling", "max"),
    ("config.json", "config.lora_rank", 4),
    ("config.json", "build_config", {}),
    ("config.json", "compile_config", {}),
    ("task.json", "config.class_names", [1, 2, 3]),
    ("task.json", "config.dropout", 1.5),
    ("task.json", "config.pooling", "sum"),
    ("task.json", "config.head_dtype", "int7"),
    ("task.json", "config.preprocessor", {"a": 1}),
    ("task.json", "config.compile", True),
    ("preprocessor.json", "config.image_converter", 3),
    ("preprocessor.json", "config.extra", None),
    ("image_converter.json", "config.image_size", [16]),
    ("image_converter.json", "config.image_size.0", 10**9),
    ("image_converter.json", "config.scale", "1/255"),
    ("image_converter.json", "config.scale", []),
    ("image_converter.json", "config.interpolation", "bilinaer"),
    ("image_converter.json", "config.crop_fraction", 0),
    ("image_converter.json", "config.pad_to_aspect_ratio", True),
    ("image_converter.json", "config.antialias", None),
    ("metadata.json", "parameter_count", -1),
    ("metadata.json", "task_weights", "../task.weights.h5"),
    ("metadata.json", "extra", 1),
    ("model.weights.json", "metadata.total_size", "large"),
    ("model.weights.json", "extra", 1),
    ("model.weights.json", "weight_map", []),
]


@pytest.mark.parametrize(("file", "place", "value"), IMPOSSIBLE)
def test_what_no_class_takes_is_refused_by_file_and_key(folder, file, place, value):
    edit(folder / file, place, value)
    key = next(part for part in reversed(place.split(".")) if not part.isdigit())
    for load in (check_preset, krp.ResBlockImageClassifier.from_preset):
        assert_refused(lambda load=load: load(folder), f"`{folder / file}`", key, folder=folder)


def test_the_record_of_a_run(folder):
    (folder / "training.json").write_text('{"results": {"top1": 0.5}, "anything": [1]}')
    check_preset(folder)
    (folder / "training.json").write_text('{"results": [0.5]}')
    assert_refused(lambda: check_preset(folder), "results", str(folder / "training.json"))


@pytest.mark.parametrize("missing", ["block_type", "stackwise_num_filters", "input_conv_strides"])
def test_a_missing_argument(folder, missing):
    content = json.loads((folder / "config.json").read_text())
    del content["config"][missing]
    (folder / "config.json").write_text(json.dumps(content))
    assert_refused(lambda: check_preset(folder), missing, f"`{folder / 'config.json'}`")


def test_an_object_where_another_belongs(folder):
    policy = {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}
    policy["config"] = {"name": "float32"}
    for file, place in (
        ("preprocessor.json", "config.image_converter"),
        ("task.json", "config.backbone"),
    ):
        before = (folder / file).read_text()
        edit(folder / file, place, policy)
        assert_refused(lambda: check_preset(folder), "DTypePolicy", place, str(folder / file))
        (folder / file).write_text(before)
    shutil.copy(folder / "preprocessor.json", folder / "task.json")
    assert_refused(lambda: check_preset(folder), "Task", str(folder / "task.json"))


def test_a_map_of_policies_by_more_than_names(folder):
    tree = {"default_policy": "float32", "policy_map": {"(a+)+$": "float16"}}
    policy = {"module": "keras", "class_name": "DTypePolicyMap", "registered_name": None}
    edit(folder / "config.json", "config.dtype", {**policy, "config": tree})
    assert_refused(lambda: check_preset(folder), "(a+)+$", str(folder / "config.json"))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("config.data_format", "channels_first"),
        ("config.scale", [1.0]),
        ("config.offset", [0.0] * 4),
    ],
)
def test_a_converter_for_other_images_than_the_backbone_reads(folder, place, value):
    edit(folder / "image_converter.json", place, value)
    assert_refused(lambda: check_preset(folder), place, f"`{folder / 'image_converter.json'}`")


@pytest.mark.slow
def test_importing_the_package_does_not_import_the_validator(fresh_process):
    code = "import keras_resblocks_plugin, sys; print('jsonschema' in sys.modules)"
    assert fresh_process(code).split()[-1] == "False"
