"""Loads during concurrent saves: each sees one whole save."""

import threading
import time

import keras
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _one_save
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._replace import replacing, replacing_file
from tests.saving import saver
from tests.tiny import contents, tiny_classifier


@pytest.fixture(scope="module")
def saved_over(tmp_path_factory):
    """A folder to whose presets another process saves all the time, without a pause."""
    folder = tmp_path_factory.mktemp("saved_over")
    with saver.saving_forever(folder):
        yield folder


def test_60_classifiers_while_another_process_saves(saved_over):
    load = krp.ResBlockImageClassifier.from_preset
    seen = {saver.assert_one_save(load(saved_over / "preset")) for _ in range(60)}
    # The other process kept saving.
    assert seen == {0, 1}


def test_backbones_while_another_process_saves(saved_over):
    for _ in range(20):
        backbone = krp.ResBlockBackbone.from_preset(saved_over / "preset")
        assert saver.states(backbone) == {float(backbone.freeze_batch_norm)}


@pytest.mark.parametrize(
    "cls", [krp.ResBlockImageConverter, krp.ResBlockImageClassifierPreprocessor]
)
def test_preprocessing_while_another_process_saves(saved_over, cls):
    for _ in range(60):
        assert cls.from_preset(saved_over / "preset")


def test_adapters_while_another_process_saves(saved_over):
    for _ in range(20):
        model = tiny_classifier()
        model.load_lora_weights(saved_over / "adapter")
        lora = [weight for weight in model.weights if "lora" in weight.path]
        (state,) = {float(keras.ops.max(weight)) for weight in lora}
        assert model.class_names == saver.names(int(state))


def test_timms_folders_while_another_process_saves(saved_over):
    for _ in range(10):
        model = krp.convert.from_timm(saved_over / "timm")
        (state,) = saver.states(model)
        assert model.class_names == saver.names(int(state))


@pytest.fixture
def folder(tmp_path):
    """A folder of two files that must be read from the same save."""
    save(tmp_path / "folder", "0")
    return tmp_path / "folder"


def save(folder, text):
    with replacing(folder) as staged:
        (staged / "first").write_text(text)
        (staged / "second").write_text(text)


def save_file(file, text):
    with replacing_file(file) as staged:
        staged.write_text(text)


def read(folder, between=lambda: None):
    first = (folder / "first").read_text()
    between()
    return first + (folder / "second").read_text()


def test_a_save_waits_for_those_who_read(folder):
    thread = threading.Thread(target=save, args=(folder, "1"))

    def start_to_save():
        thread.start()
        time.sleep(0.2)
        assert thread.is_alive()

    assert one_save(folder, lambda: read(folder, start_to_save)) == "00"
    thread.join()
    assert read(folder) == "11"


def test_a_save_does_not_wait_for_ever(folder, monkeypatch):
    monkeypatch.setattr(_one_save, "_SAVE_WAITS_SECONDS", 0.05)
    texts = iter("1")

    def save_once():
        for text in texts:
            save(folder, text)

    # The save goes first, and the mixture of two states is read again.
    assert one_save(folder, lambda: read(folder, save_once)) == "11"


@pytest.mark.parametrize("saves", [1, 5])
def test_without_locks_a_load_is_repeated(folder, monkeypatch, saves):
    # As on Windows and some network file systems, which no test can mount here.
    monkeypatch.setattr(_one_save, "fcntl", None)
    texts = iter("123456789"[:saves])

    def save_next():
        text = next(texts, None)
        if text:
            save(folder, text)

    assert one_save(folder, lambda: read(folder, save_next)) == f"{saves}{saves}"


def test_without_locks_a_file_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_one_save, "fcntl", None)
    file, texts = tmp_path / "file", iter(["12", "3"])
    save_file(file, "0")

    def read_twice():
        first = file.read_text()
        for text in next(texts, ""):
            save_file(file, text)
        return first + file.read_text()

    assert one_save(file, read_twice) == "33"


def test_saves_without_end_are_an_error(folder, monkeypatch):
    monkeypatch.setattr(_one_save, "fcntl", None)
    with pytest.raises(ValueError, match="a save replaced it during each of 20 attempts"):
        one_save(folder, lambda: read(folder, lambda: save(folder, "1")))


def test_a_file_that_vanishes_with_a_save_is_looked_for_again(folder, monkeypatch):
    monkeypatch.setattr(_one_save, "fcntl", None)
    names = iter(["gone"])
    (folder / "gone").write_text("0")

    def read_one():
        name = next(names, "first")
        if name == "gone":
            with replacing(folder) as staged:
                (staged / "gone").unlink()
        return (folder / name).read_text()

    assert one_save(folder, read_one) == "0"


def test_what_is_wrong_without_a_save_is_said_at_once(folder):
    calls = []

    def fail():
        calls.append(None)
        raise KeyError("missing")

    with pytest.raises(KeyError, match="missing"):
        one_save(folder, fail)
    assert len(calls) == 1


def test_loading_writes_nothing(tmp_path):
    # A preset may lie where its user cannot write.
    tiny_classifier().save_to_preset(tmp_path / "preset")
    before = contents(tmp_path), [path.stat().st_mtime_ns for path in tmp_path.rglob("*")]
    krp.ResBlockImageClassifier.from_preset(tmp_path / "preset")
    after = contents(tmp_path), [path.stat().st_mtime_ns for path in tmp_path.rglob("*")]
    assert after == before
