"""A head and the weights of its backbone: of one save, or refused."""

import shutil

import h5py
import keras
import keras_hub
import ml_dtypes  # noqa: F401, numpy's bfloat16
import numpy as np
import pytest
import safetensors.numpy

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.saving import _weights as weights
from tests.helpers import values
from tests.tiny import assert_refused, photos, predict, tiny_backbone, tiny_classifier

LOADERS = {
    "stock": keras_hub.models.ImageClassifier.from_preset,
    "krp": krp.ResBlockImageClassifier.from_preset,
}
HEAD, WEIGHTS = "task.weights.h5", "model.safetensors"


@pytest.fixture
def folder(tmp_path):
    tiny_classifier().save_to_preset(tmp_path / "preset")
    return tmp_path / "preset"


@pytest.fixture
def other(tmp_path):
    """A later save of the same classifier, which has learnt."""
    classifier = tiny_classifier()
    for weight in classifier.weights:
        weight.assign(weight + 1)
    classifier.save_to_preset(tmp_path / "other")
    return tmp_path / "other"


def stored_digests(folder):
    with safetensors.safe_open(folder / WEIGHTS, "numpy") as file:
        metadata = file.metadata()
    with h5py.File(folder / HEAD, "r") as store:
        return metadata["weights_sha256"], store.attrs["backbone_sha256"].decode()


def without_weights_digest(folder):
    safetensors.numpy.save_file(safetensors.numpy.load_file(folder / WEIGHTS), folder / WEIGHTS)


def without_head_digest(folder):
    with h5py.File(folder / HEAD, "r+") as store:
        del store.attrs["backbone_sha256"]


def test_both_files_have_the_digest_of_the_backbones_weights(folder, other):
    digest, in_head = stored_digests(folder)
    assert digest == in_head == weights.weights_digest(values(tiny_backbone()))
    assert len(set(stored_digests(other)) | {digest}) == 2


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("name", [HEAD, WEIGHTS])
def test_a_head_on_the_backbone_of_another_save_is_refused(folder, other, name, load):
    shutil.copy(other / name, folder / name)
    assert_refused(
        lambda: load(str(folder)),
        f"`{folder / HEAD}` was saved with other weights than those in `{folder / WEIGHTS}`",
        "Otherwise save the whole task again, or give `num_classes` for a new head.",
        folder=folder,
    )
    # What the error says.
    assert load(str(folder), num_classes=4).num_classes == 4
    tiny_classifier().save_to_preset(folder)
    load(str(folder))


def test_a_save_between_head_and_backbone_is_noticed(folder, other):
    # KerasHub loads weights by these two calls.
    classifier = krp.ResBlockImageClassifier.from_preset(folder, load_weights=False)
    classifier.load_task_weights(str(folder / HEAD))
    krp.ResBlockImageClassifier.from_preset(other).save_to_preset(folder)
    before = values(classifier.backbone)
    index = str(folder / "model.weights.json")
    assert_refused(lambda: classifier.backbone.load_weights(index), "was saved with other weights")
    for path, value in values(classifier.backbone).items():
        np.testing.assert_array_equal(value, before[path])
    # The check is over: whoever loads these weights once more means it.
    classifier.backbone.load_weights(index)


def test_commits_of_one_repository_are_told_apart(tmp_path, folder, other):
    # The Hub's cache has a folder for each, and KerasHub asks for the newest file by file.
    snapshots = tmp_path / "models--user--name" / "snapshots"
    first, second = (
        shutil.copytree(folder, snapshots / "1"),
        shutil.copytree(other, snapshots / "2"),
    )
    classifier = tiny_classifier()
    classifier.load_task_weights(str(first / HEAD))
    assert_refused(
        lambda: classifier.backbone.load_weights(str(second / "model.weights.json")),
        f"`{first / HEAD}` was saved with other weights than those in `{second / WEIGHTS}`",
    )


def test_a_head_alone_says_nothing_of_other_presets(folder, other, tmp_path):
    classifier = tiny_classifier()
    expected = values(krp.ResBlockBackbone.from_preset(str(other)))

    def check_loaded():
        loaded = values(classifier.backbone)
        assert all((loaded[path] == expected[path]).all() for path in expected)

    classifier.load_task_weights(str(folder / HEAD))
    classifier.backbone.load_weights(str(other / "model.weights.json"))
    check_loaded()
    # Nor does one that was loaded before another head, without a digest.
    classifier.load_task_weights(str(folder / HEAD))
    classifier.save_task_weights(tmp_path / "head.weights.h5")
    classifier.load_task_weights(tmp_path / "head.weights.h5")
    shutil.copy(other / WEIGHTS, folder / WEIGHTS)
    for weight in classifier.backbone.weights:
        weight.assign(weight * 0)
    classifier.backbone.load_weights(str(folder / "model.weights.json"))
    check_loaded()


def test_a_head_that_was_loaded_leaves_no_trace(folder, tmp_path):
    loaded = tiny_classifier()
    loaded.load_task_weights(str(folder / HEAD))
    assert loaded.backbone.get_config() == tiny_backbone(name=loaded.backbone.name).get_config()
    loaded.save_to_preset(tmp_path / "saved")
    assert (tmp_path / "saved" / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()
    assert set(stored_digests(tmp_path / "saved")) == set(stored_digests(folder))


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("without", [without_weights_digest, without_head_digest])
def test_files_without_a_digest_load(folder, other, without, load):
    without(folder)
    np.testing.assert_array_equal(
        predict(load(str(folder)), photos()), predict(tiny_classifier(), photos())
    )
    # Nothing is known of a mixture then, as before.
    name = HEAD if without is without_weights_digest else WEIGHTS
    shutil.copy(other / name, folder / name)
    load(str(folder))


@pytest.mark.parametrize("value", [1, "a string", [1.0, 2.0], b"\xff", h5py.Empty("f4")])
def test_an_attribute_that_is_no_digest_is_refused(folder, value):
    with h5py.File(folder / HEAD, "r+") as store:
        store.attrs["backbone_sha256"] = np.bytes_(value) if isinstance(value, bytes) else value
    for load in LOADERS.values():
        assert_refused(
            lambda load=load: load(str(folder)), f"`backbone_sha256` of `{folder / HEAD}`"
        )


def test_equal_saves_are_equal_files(folder, tmp_path, fresh_process):
    # In another process, which hashes strings by another seed.
    code = "import sys\nfrom tests.tiny import tiny_classifier\n"
    code += "tiny_classifier().save_to_preset(sys.argv[1])"
    fresh_process(code, tmp_path / "again")
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()
    assert set(stored_digests(tmp_path / "again")) == set(stored_digests(folder))
    # Keras writes the names of layers into the head's file, so the file belongs to one model.
    classifier = tiny_classifier()
    for name in "ab":
        classifier.save_to_preset(tmp_path / name)
    assert (tmp_path / "a" / HEAD).read_bytes() == (tmp_path / "b" / HEAD).read_bytes()


def test_a_backbone_saved_over_a_task_has_no_head(folder):
    # Equal weights make it no head of the preset: the task may be another one now.
    tiny_backbone().save_to_preset(folder)
    assert_refused(
        lambda: krp.ResBlockImageClassifier.from_preset(folder), "saved over the preset alone"
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_digest_tells_names_dtypes_shapes_and_values(dtype):
    def digest(path="kernel", shape=(2, 3), value=1.0, dtype=dtype):
        return weights.weights_digest({path: np.full(shape, value, dtype), "bias": np.zeros(())})

    same, others = (
        digest(),
        [
            digest(path="kernels"),
            digest(shape=(3, 2)),
            digest(value=2.0),
            digest(dtype="float64"),
        ],
    )
    assert same == digest()
    assert len({same, *others}) == 5


def test_a_head_holds_no_state_of_the_optimizer(tmp_path, recwarn):
    classifier = tiny_classifier()
    classifier.compile("adam")
    classifier.fit(photos(4), [0, 1, 2, 0], epochs=1, verbose=0)
    classifier.save_to_preset(tmp_path / "trained")
    with h5py.File(tmp_path / "trained" / "task.weights.h5") as file:
        names = []
        file.visit(names.append)
    assert not [name for name in names if "optimizer" in name]
    recwarn.clear()
    for cls in (keras_hub.models.ImageClassifier, krp.ResBlockImageClassifier):
        loaded = cls.from_preset(str(tmp_path / "trained"))
        np.testing.assert_array_equal(predict(loaded, photos()), predict(classifier, photos()))
    assert [x for x in recwarn if "optimizer" in str(x.message)] == []


def test_a_classifier_that_is_not_compiled_saves_and_loads(tmp_path):
    classifier = tiny_classifier(compile=False)
    classifier.save_to_preset(tmp_path / "preset")
    for cls in (keras_hub.models.ImageClassifier, krp.ResBlockImageClassifier):
        loaded = cls.from_preset(str(tmp_path / "preset"), compile=False)
        np.testing.assert_array_equal(predict(loaded, photos()), predict(classifier, photos()))


def test_an_untrained_classifier_reloads_from_keras_without_a_warning(tmp_path, recwarn):
    classifier = tiny_classifier()
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    assert [x for x in recwarn if "optimizer" in str(x.message)] == []
    np.testing.assert_array_equal(predict(loaded, photos()), predict(classifier, photos()))
