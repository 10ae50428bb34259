"""The file of pulled names: persistence across processes, damage, and permissions."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.registry import _name_store
from tests.hub.outcomes import contents


@pytest.fixture
def pulled(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    yield krp.pull_from_hub("hf://user/name", name="stored")
    _name_store.path().unlink(missing_ok=True)
    krp.list_presets()


def test_the_file_records_the_source_of_a_name(pulled):
    stored = json.loads(_name_store.path().read_text())
    assert stored == {
        "presets": {
            "stored": {
                "handle": "hf://user/name",
                "commit": pulled.commit,
                "folder": str(pulled.folder),
            }
        }
    }


def test_changes_by_another_process_are_listed(pulled):
    entry = _name_store.read()["stored"]
    _name_store.write("theirs", entry)
    assert krp.list_presets()["theirs"]["commit"] == pulled.commit
    krp.ResBlockBackbone.from_preset("theirs")
    _name_store.write("theirs", None)
    assert "theirs" not in krp.list_presets()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"presets": {"stored": {"handle": 1}}}'])
def test_a_damaged_file_is_said_and_not_overwritten(pulled, fresh_process, text):
    _name_store.path().write_text(text)
    for action in (krp.list_presets, lambda: krp.pull_from_hub("hf://user/name", name="other")):
        with pytest.raises(ValueError, match=r"plugin\.json.*cannot be read.*Remove"):
            action()
    assert _name_store.path().read_text() == text


def test_a_damaged_file_does_not_keep_the_package_from_being_imported(pulled, fresh_process):
    _name_store.path().write_text("{")
    code = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    import keras_resblocks_plugin as krp\n"
        "print([str(warning.message) for warning in said])"
    )
    assert "keras_resblocks_plugin.json" in fresh_process(code)


def test_a_file_that_cannot_be_read_neither(pulled, fresh_process):
    # A folder in its place, since permissions do not apply to root.
    _name_store.path().unlink()
    _name_store.path().mkdir()
    try:
        code = (
            "import warnings\n"
            "with warnings.catch_warnings(record=True) as said:\n"
            "    import keras_resblocks_plugin as krp\n"
            "print([str(warning.message) for warning in said])"
        )
        assert "cannot be read" in fresh_process(code)
    finally:
        _name_store.path().rmdir()


def test_without_a_home_folder_it_lies_where_keras_writes(monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", "/nonexistent")
    assert str(_name_store.path()) == "/tmp/.keras/keras_resblocks_plugin.json"


def test_a_cache_that_was_emptied_is_said(pulled):
    shutil.rmtree(pulled.folder)
    with pytest.raises(ValueError, match=r"no longer where it was.*hf://user/name"):
        krp.ResBlockBackbone.from_preset("stored")
    krp.pull_from_hub("hf://user/name", name="stored")
    krp.ResBlockBackbone.from_preset("stored")


def test_a_byte_that_flips_in_the_cache_is_noticed_without_the_hub(hub, pulled):
    weights = pulled.folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.resolve().write_bytes(content)
    with hub.unreachable(), pytest.raises(krp.hub.DamagedError, match=r"model\.safetensors"):
        krp.ResBlockBackbone.from_preset("hf://user/name")
    # With the Hub reachable, the damaged file is downloaded again.
    krp.ResBlockBackbone.from_preset("hf://user/name")
    assert contents(pulled.folder)["model.safetensors"] != bytes(content)


def test_not_cached_and_does_not_exist_are_different(hub, pulled):
    with pytest.raises(krp.hub.NotFoundError, match="does not exist"):
        krp.ResBlockBackbone.from_preset("hf://user/absent")
    hub.repo("user/never_pulled")
    with hub.unreachable(), pytest.raises(krp.hub.NotCachedError, match="cannot be reached"):
        krp.ResBlockBackbone.from_preset("hf://user/never_pulled")


def _pull_alone(folder, umask, handle):
    os.umask(umask)
    os.environ["KERAS_HOME"] = str(folder / "home" / "keras")
    krp.pull_from_hub(handle, name="shared")


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_modes_follow_the_umask(pulled, fork, tmp_path, umask):
    process = fork.Process(target=_pull_alone, args=(tmp_path, umask, "hf://user/name"))
    process.start()
    process.join()
    assert process.exitcode == 0
    home = tmp_path / "home"
    paths = (home, home / "keras", *(home / "keras").iterdir())
    modes = {path.name: path.stat().st_mode & 0o777 for path in paths}
    file, folder = 0o666 & ~umask, 0o777 & ~umask
    stored = {"keras_resblocks_plugin.json": file, "keras_resblocks_plugin.lock": file}
    assert modes == {"home": folder, "keras": folder, **stored}


def _read_as_another(folder, names):
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    os.environ["KERAS_HOME"] = str(folder / "home" / "keras")
    names.put(sorted(_name_store.read()))


def test_another_user_of_the_machine_knows_the_name(pulled, fork):
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        for target, rest in (
            (_pull_alone, (0o022, "hf://user/name")),
            (_read_as_another, (names := fork.SimpleQueue(),)),
        ):
            process = fork.Process(target=target, args=(Path(parent), *rest))
            process.start()
            process.join()
            assert process.exitcode == 0
        assert names.get() == ["shared"]


def _pull_as_nobody(folder, handle, answers):
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    os.environ["KERAS_HOME"] = str(folder)
    try:
        krp.pull_from_hub(handle, name="nobodys")
    except OSError as error:
        answers.put((str(error), error.__context__ is None or error.__suppress_context__))


@pytest.mark.parametrize("what", ["read-only", "in a file", "a lock of another"])
def test_a_folder_that_cannot_be_written_is_found_before_the_download(hub, pulled, fork, what):
    hub.requests.clear()
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        home = Path(parent) / "keras"
        home.mkdir(mode=0o555)
        if what == "in a file":
            (Path(parent) / "file").touch()
            home = Path(parent) / "file" / "keras"
        elif what == "a lock of another":
            home.chmod(0o777)
            (home / "keras_resblocks_plugin.lock").touch(0o400)
        process = fork.Process(
            target=_pull_as_nobody, args=(home, "hf://user/name", answers := fork.SimpleQueue())
        )
        process.start()
        process.join()
        assert process.exitcode == 0
        message, alone = answers.get()
    assert f"`{home}`" in message
    assert "cannot be written" in message
    assert "KERAS_HOME" in message
    assert alone
    assert hub.requests == []


def test_a_damaged_file_is_found_before_the_download_too(hub, pulled):
    _name_store.path().write_text("{")
    hub.requests.clear()
    with pytest.raises(ValueError, match="cannot be read"):
        krp.pull_from_hub("hf://user/name", name="other")
    assert hub.requests == []
