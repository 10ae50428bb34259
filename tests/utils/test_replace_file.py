"""Replacing one file: names of any length, and killed processes."""

import random

import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils._replace import replacing, replacing_file
from tests.tiny import contents, tiny_backbone
from tests.utils.replacing_process import REPLACE_FILE_FOREVER, STATES, kill, start, wait


@pytest.fixture
def folder(tmp_path):
    """A folder with a file that no save owns."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text("card")
    return folder


def test_a_killed_process_leaves_one_file_or_the_other(folder):
    file = folder / "adapter.safetensors"
    delays = random.Random(0)
    for _ in range(5):
        process = start(REPLACE_FILE_FOREVER, file)
        wait(process)
        kill(process, delays.uniform(0, 0.05))
        assert file.read_text() in STATES
    with replacing_file(file) as staged:
        staged.write_text("saved")
    assert file.read_text() == "saved"
    names = {path.name for path in folder.iterdir()}
    assert names == {"README.md", "adapter.safetensors"}


def test_two_processes_may_save_the_same_file(folder):
    file = folder / "adapter.safetensors"
    processes = [start(REPLACE_FILE_FOREVER, file) for _ in range(2)]
    for process in processes:
        wait(process)
    for _ in range(50):
        assert file.read_text() in STATES
    for process in processes:
        kill(process)


def test_only_left_overs_of_the_same_file_are_removed(folder):
    own, other = ".3b9c358f36f0a31b", ".d9298a10d1b07358"
    kept = [".file.0123abcd.saving", ".other.saving", f"{other}.0123abcd.saving", "file.saving"]
    # The second is what earlier versions left.
    for name in [*kept, f"{own}.0123abcd.saving", ".file.saving"]:
        (folder / name).write_text("half")
    with replacing_file(folder / "file") as staged:
        staged.write_text("saved")
    names = {path.name for path in folder.iterdir()}
    assert names == {"README.md", "file", *kept}


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127])
def test_names_as_long_as_the_file_system_has_them(tmp_path, name):
    folder = tmp_path / name
    for text in "12":
        with replacing(folder) as staged:
            (staged / "file").write_text(text)
        with replacing_file(folder / name) as staged:
            staged.write_text(text)
    assert (folder / "file").read_text() == (folder / name).read_text() == "2"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    tiny_backbone().save_to_preset(folder)
    krp.ResBlockBackbone.from_preset(folder)


def test_a_file_that_is_not_written_leaves_the_old_one(folder):
    before = contents(folder)

    def fail():
        with replacing_file(folder / "README.md") as staged:
            staged.write_text("half a ca")
            raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        fail()
    assert contents(folder) == before
