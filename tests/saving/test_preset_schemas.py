"""Presets whose files say what cannot be: each is refused before anything is built."""

import json
import shutil
import time
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.hub._checks import check_shareable
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from tests.helpers import to_numpy
from tests.mutation.worker import anonymous_bytes
from tests.tiny import assert_refused, photos, predict, tiny_backbone, tiny_classifier


def check_preset(folder):
    PresetFolder(folder).check()


def tiny_segmenter() -> keras_hub.models.DeepLabV3ImageSegmenter:
    backbone = krp.ResBlockBackbone("bn", [4, 4, 4], [1, 1, 1], [2, 2, 2], [4], [3], [2])
    return keras_hub.models.DeepLabV3ImageSegmenter(
        keras_hub.models.DeepLabV3Backbone(
            image_encoder=backbone,
            spatial_pyramid_pooling_key="P4",
            low_level_feature_key="P2",
            upsampling_size=4,
            dilation_rates=[1, 2],
            projection_filters=4,
        ),
        num_classes=3,
        preprocessor=keras_hub.models.DeepLabV3ImageSegmenterPreprocessor(
            keras_hub.layers.DeepLabV3ImageConverter(image_size=(64, 64))
        ),
    )


def edit(file: Path, place: str, value: object) -> None:
    """Sets the value at a dotted place of a JSON file, in every copy of it that there is."""
    content = json.loads(file.read_text())
    *parents, key = place.split(".")
    inner = content
    for parent in parents:
        inner = inner[int(parent)] if parent.isdigit() else inner[parent]
    if isinstance(inner, list):
        inner[int(key)] = value
    else:
        inner[key] = value
    file.write_text(json.dumps(content))


# === Names that become paths ===
@pytest.mark.parametrize("name", ["../../.bashrc", "/etc/cron.d/x", "a/b.json", "config.json", ""])
@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("preprocessor.json", "config.config_file"),
        ("task.json", "config.preprocessor.config.config_file"),
    ],
)
def test_a_preset_does_not_choose_what_the_next_save_writes(folder, file, place, name):
    edit(folder / file, place, name)
    for load in (
        krp.ResBlockBackbone.from_preset,
        krp.ResBlockImageClassifier.from_preset,
        krp.ResBlockImageClassifierPreprocessor.from_preset,
        krp.ResBlockImageConverter.from_preset,
        check_shareable,
        lambda preset: krp.push_to_hub(preset, "hf://user/name", dry_run=True),
    ):
        assert_refused(lambda load=load: load(folder), f"`{folder / file}`", "config_file")


def test_not_even_for_a_class_of_the_users(folder):
    @keras.saving.register_keras_serializable("tests_of_schemas")
    class UsersPreprocessor(keras_hub.models.Preprocessor):
        pass

    edit(folder / "preprocessor.json", "registered_name", "tests_of_schemas>UsersPreprocessor")
    edit(folder / "preprocessor.json", "config", {"config_file": "users_preprocessor.json"})
    check_preset(folder)
    edit(folder / "preprocessor.json", "config", {"config_file": "../users_preprocessor.json"})
    assert_refused(lambda: check_preset(folder), "config_file", str(folder / "preprocessor.json"))


@pytest.mark.parametrize("name", ["../x", "a/b", "C:x", "a\\b", "keras_resblocks_plugin>X", "", 3])
@pytest.mark.parametrize("file", ["config.json", "task.json", "preprocessor.json"])
def test_names_of_layers_are_no_paths(folder, file, name):
    place = "config.backbone.config.name" if file == "task.json" else "config.name"
    edit(folder / file, place, name)
    assert_refused(lambda: check_preset(folder), place, f"`{folder / file}`")


def test_not_even_through_stock_loading(folder, tmp_path):
    edit(folder / "preprocessor.json", "config.config_file", "../written.json")
    edit(folder / "task.json", "config.preprocessor.config.config_file", "../written.json")
    for cls in (keras_hub.models.ImageClassifier, keras_hub.models.ImageClassifierPreprocessor):
        # Keras puts the error into one of its own.
        with pytest.raises((TypeError, ValueError), match="config_file"):
            cls.from_preset(str(folder))
    segmenter = tiny_segmenter()
    preprocessor = keras_hub.models.DeepLabV3ImageSegmenterPreprocessor(
        keras_hub.layers.DeepLabV3ImageConverter(image_size=(64, 64)),
        config_file="../written.json",
    )
    segmenter.preprocessor = preprocessor
    assert_refused(
        lambda: krp.push_to_hub(segmenter, "hf://user/name", dry_run=True), "config_file"
    )
    assert not list(tmp_path.rglob("written.json"))


# === Keys, types and ranges ===
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


# === Classes ===
@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("keras.layers", "Dense", None),
        ("keras.layers", "StringLookup", None),
        ("keras.utils", "get_file", None),
        ("keras.saving", "load_model", None),
        ("keras.models", "Sequential", None),
        ("keras_hub.src.models.bert", "BertTokenizer", "keras_hub>BertTokenizer"),
        ("keras_hub.models", "ResNetBackbone", "keras_hub>ResNetBackbone"),
        (None, "SymmetricConv2D", "keras_resblocks_plugin>SymmetricConv2D"),
    ],
)
def test_classes_that_no_task_of_this_package_saves(folder, module, name, registered):
    hostile = {"module": module, "class_name": name, "config": {}, "registered_name": registered}
    edit(folder / "config.json", "config.block_kwargs", {"activation": hostile})
    assert_refused(lambda: check_preset(folder), "may not be built", str(folder / "config.json"))


@keras.saving.register_keras_serializable("tests_of_schemas")
class ScaledBlock(krp.blocks.BatchNormResidualBlock):
    """A block with an argument of its own, and no schema."""

    def __init__(self, filters, *args, factor=1.0, **kwargs):
        super().__init__(filters, *args, **kwargs)
        self.factor = factor

    def residual(self, x, training=None):
        return self.factor * super().residual(x, training)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("tests_of_schemas")
class CheckedBlock(ScaledBlock):
    """The same with a schema."""

    @classmethod
    def config_schema(cls, config):
        schema = super().config_schema(config)
        schema["properties"]["factor"] = {"type": "number", "minimum": 0}
        return schema


def test_a_users_block_is_built_from_any_config_unless_it_brings_a_schema(tmp_path):
    for cls, refused in ((ScaledBlock, ()), (CheckedBlock, ({"factor": -1.0}, {"fcator": 1.0}))):
        folder = tmp_path / cls.__name__
        backbone = tiny_backbone(cls, block_kwargs={"factor": 0.5})
        backbone.save_to_preset(folder)
        loaded = krp.ResBlockBackbone.from_preset(folder)
        assert loaded.block_kwargs == {"factor": 0.5}
        for block_kwargs in ({"kernel_size": "3"}, *refused):
            edit(folder / "config.json", "config.block_kwargs", block_kwargs)
            key = next(iter(block_kwargs))
            assert_refused(lambda: check_preset(folder), key, str(folder / "config.json"))  # noqa: B023


def test_classes_of_the_users_anywhere(tmp_path):
    @keras.saving.register_keras_serializable("tests_of_schemas")
    class Converter(keras.layers.Layer):
        def call(self, inputs):
            return inputs / 255

    try:
        classifier = tiny_classifier(preprocessor=Converter())
        classifier.save_to_preset(tmp_path / "preset")
        edit(tmp_path / "preset" / "config.json", "config.block_kwargs", {"activation": "relu"})
        check_preset(tmp_path / "preset")
    finally:
        keras.saving.get_custom_objects().pop("tests_of_schemas>Converter")


# === Sizes ===
HUGE = [
    ("config.json", "config.stackwise_num_filters.1", 2**20, "stack1_block0/conv1/kernel"),
    ("config.json", "config.stackwise_num_blocks.0", 30, "stack0_block29/conv1/kernel"),
    ("config.json", "config.stackwise_num_blocks", [1000] * 2, "stackwise_num_blocks"),
    ("config.json", "config.input_conv_filters.0", 2**20, "stack0_block0/shortcut_conv/kernel"),
    ("config.json", "config.input_conv_kernel_sizes.0", 1023, "stem0_conv/kernel"),
    ("config.json", "config.block_kwargs", {"kernel_size": 1023}, "stack0_block0/conv1/kernel"),
    ("config.json", "config.image_shape.2", 2**16, "stem0_conv/kernel"),
    ("task.json", "config.backbone.config.stackwise_num_filters.1", 2**20, "task.json"),
    ("task.json", "config.class_names", ["x"] * 100_000, "100,000 classes"),
]


@pytest.mark.parametrize(("file", "place", "value", "told"), HUGE)
def test_more_than_the_weights_hold_is_refused_before_it_is_built(folder, file, place, value, told):
    check_preset(folder)
    edit(folder / file, place, value)
    before, start = anonymous_bytes("self"), time.monotonic()
    assert_refused(lambda: check_preset(folder), told, str(folder))
    assert time.monotonic() - start < 5
    assert anonymous_bytes("self") - before < 20e6


def test_lists_of_unequal_length_name_their_file(folder):
    edit(folder / "config.json", "config.stackwise_num_blocks", [1])
    assert_refused(
        lambda: check_preset(folder), "stackwise_num_blocks", f"`{folder / 'config.json'}`"
    )


def test_a_head_for_many_classes(folder):
    edit(folder / "task.json", "config.class_names", None)
    edit(folder / "task.json", "config.num_classes", 10**7)
    assert_refused(lambda: check_preset(folder), "10,000,000 classes", "task.weights.h5")


def test_a_backbone_inside_of_a_kerashub_task(tmp_path):
    segmenter = tiny_segmenter()
    segmenter.save_to_preset(str(tmp_path / "preset"))
    check_shareable(tmp_path / "preset")
    for place, value in (
        ("config.image_encoder.config.stackwise_num_filters.0", 2**20),
        ("config.image_encoder.config.stackwise_num_blocks.0", 10**9),
        ("config.projection_filters", 10**12),
        ("config.projection_filters", 4096),
        ("config.dilation_rates", [1] * 1000),
        ("config.low_level_feature_key", "P7"),
        ("config.extra", 1),
    ):
        folder = shutil.copytree(tmp_path / "preset", tmp_path / f"{place} {str(value)[:9]}")
        edit(folder / "config.json", place, value)
        assert_refused(lambda: check_shareable(folder), str(folder))  # noqa: B023


DTYPES = ["int32", "bool", "string", "complex64", "float8", "mixed_int8"]


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize(
    ("file", "place"), [("config.json", "config.dtype"), ("task.json", "config.head_dtype")]
)
def test_a_precision_in_which_no_image_can_be_read(folder, file, place, name):
    policy = {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}
    edit(folder / file, place, {**policy, "config": {"name": name}})
    assert_refused(lambda: check_preset(folder), place, name, f"`{folder / file}`")
    tree = {"default_policy": name, "policy_map": {}}
    edit(folder / file, place, {**policy, "class_name": "DTypePolicyMap", "config": tree})
    assert_refused(lambda: check_preset(folder), place, name, f"`{folder / file}`")
    edit(folder / file, place, name)
    assert_refused(lambda: check_preset(folder), place, name, f"`{folder / file}`")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"class_names": [1, 2, 3]}, "class_names"),
        ({"name": "a>b"}, "name"),
        ({"preprocessor": keras.Sequential([keras.layers.Rescaling(1 / 255)])}, "preprocessor"),
        ({"preprocessor": lambda x: x}, "preprocessor"),
    ],
)
def test_what_could_not_be_loaded_is_refused_when_it_is_saved(folder, options, key):
    classifier = tiny_classifier(**options)
    assert_refused(lambda: classifier.save_to_preset(folder), key, folder=folder)


@pytest.mark.parametrize("activation", [keras.layers.Softmax(), keras.layers.LeakyReLU(0.1)])
def test_layers_as_activations(tmp_path, activation):
    backbone = tiny_backbone(block_kwargs={"activation": activation})
    backbone.save_to_preset(tmp_path)
    loaded = krp.ResBlockBackbone.from_preset(tmp_path)
    x = photos()
    assert (to_numpy(loaded(x)) == to_numpy(backbone(x))).all()
    resizing = keras.saving.serialize_keras_object(keras.layers.Resizing(8, 8))
    edit(tmp_path / "config.json", "config.block_kwargs", {"activation": resizing})
    assert_refused(lambda: check_preset(tmp_path), "activation", str(tmp_path / "config.json"))


def test_numpy_numbers_of_a_converter(tmp_path):
    scale = np.array([0.5, 0.25, 0.125], "float32")
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=scale, offset=np.float64(1))
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    classifier = tiny_classifier(preprocessor=preprocessor)
    classifier.save_to_preset(tmp_path)
    loaded = krp.ResBlockImageClassifier.from_preset(tmp_path)
    assert loaded.preprocessor.image_converter.scale == [0.5, 0.25, 0.125]
    assert (predict(loaded, photos()) == predict(classifier, photos())).all()


@pytest.mark.parametrize("config_file", ["../evil.json", "my.json"])
def test_a_save_stays_in_its_folder_whatever_the_preprocessor_says(tmp_path, config_file):
    stock = keras_hub.models.ImageClassifierPreprocessor(
        keras_hub.layers.ImageConverter(image_size=(16, 16)), config_file=config_file
    )
    for preprocessor in (stock, tiny_classifier().preprocessor):
        preprocessor.config_file = config_file
        classifier = tiny_classifier(preprocessor=preprocessor)
        save = classifier.save_to_preset
        assert_refused(lambda save=save: save(tmp_path / "a" / "b"), "config_file")
    assert_refused(lambda: preprocessor.save_to_preset(tmp_path / "a" / "b"), "config_file")
    assert not list(tmp_path.rglob("*.json"))


def test_checking_leaves_no_trace(folder):
    keras.utils.set_random_seed(1)
    expected = keras.random.normal((3,), seed=keras.random.SeedGenerator())
    keras.utils.set_random_seed(1)
    check_preset(folder)
    found = keras.random.normal((3,), seed=keras.random.SeedGenerator())
    assert (to_numpy(found) == to_numpy(expected)).all()
    before = anonymous_bytes("self")
    with keras.StatelessScope():
        pass
    assert anonymous_bytes("self") - before < 1e6
    x = photos()
    classifier = krp.ResBlockImageClassifier.from_preset(folder)
    assert (predict(classifier, x) == predict(classifier, x)).all()


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


# === JSON ===
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"a": 1, "b": {"a": 1, "a": 2}}', "'a' stands twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        ('{"a": 1}'.encode("utf-8-sig"), "UTF-8"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "64 levels"),
        (b"[" * 1_000_000, "levels"),
        (b'{"a": [' + b"1," * 250_000 + b"1]}", "values"),
        (b'{"a": 1' + b"1" * 5000 + b"}", "JSON"),
        (b"[1]", "object"),
        (b"", "JSON"),
        (b" " * (9 << 20), "bytes"),
    ],
)
def test_json_that_python_would_take_or_die_of(tmp_path, text, told):
    file = tmp_path / "a.json"
    file.write_bytes(text)
    assert_refused(lambda: read_json(file), f"`{file}`", told)


def test_json_as_people_write_it(tmp_path):
    file = tmp_path / "a.json"
    value = {"ä, [{": ["\\", '"', "]}" * 1000, -1.5e-7, None, True], "b": [[[{}]]]}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=8)):
        file.write_text(text, encoding="utf-8")
        assert read_json(file) == value


def test_importing_the_package_does_not_import_the_validator(fresh_process):
    code = "import keras_resblocks_plugin, sys; print('jsonschema' in sys.modules)"
    assert fresh_process(code).split()[-1] == "False"
