"""Saving over a preset that is killed, or fails, at any point."""

import os
import pathlib
import random

import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _replace
from keras_resblocks_plugin._utils._replace import replacing
from tests.helpers import values
from tests.tiny import contents, tiny_backbone, tiny_classifier
from tests.utils.replacing_process import FILES, REPLACE_FOREVER, STATES, kill, start, wait

SAVE_FOREVER = """
import sys
import keras_resblocks_plugin as krp
from tests.tiny import tiny_classifier

folder = sys.argv[1]
models = [tiny_classifier(), tiny_classifier()]
for number, model in enumerate(models):
    for weight in model.weights:
        weight.assign(weight * 0 + number)
    model.class_names = [f"{number}{letter}" for letter in "abc"]
models[0].save_to_preset(folder)
print("ready", flush=True)
while True:
    for model in reversed(models):
        model.save_to_preset(folder)
"""


@pytest.fixture
def folder(tmp_path):
    """A folder to save into, with files that no save owns."""
    folder = tmp_path / "parent" / "preset"
    (folder / "samples").mkdir(parents=True)
    (folder / "README.md").write_text("card")
    (folder / "samples" / "cat.jpg").write_text("photo")
    return folder


def assert_others_kept(folder):
    assert (folder / "README.md").read_text() == "card"
    assert (folder / "samples" / "cat.jpg").read_text() == "photo"


def test_a_killed_process_leaves_one_state_or_the_other(folder):
    delays = random.Random(0)
    for _ in range(20):
        process = start(REPLACE_FOREVER, folder, *FILES)
        wait(process)
        kill(process, delays.uniform(0, 0.05))
        texts = {(folder / name).read_text() for name in FILES}
        assert len(texts) == 1
        assert texts <= set(STATES)
        assert_others_kept(folder)
    # The leftovers of a killed save are hidden, and the next save removes them.
    with replacing(folder):
        pass
    assert [path.name for path in folder.parent.iterdir()] == ["preset"]


def test_what_a_save_keeps_is_of_one_save(folder):
    # Another process saves what this one's saves keep as it is.
    process = start(REPLACE_FOREVER, folder, *FILES)
    wait(process)
    for _ in range(30):
        with replacing(folder) as staged:
            assert len({(staged / name).read_text() for name in FILES}) == 1
    kill(process)


def test_a_preset_whose_saving_is_killed_loads_complete(tmp_path):
    delays = {tmp_path / f"preset{i}": delay for i, delay in enumerate((0.04, 0.13))}
    # All at once: most of the time goes into imports.
    processes = {folder: start(SAVE_FOREVER, folder) for folder in delays}
    for folder, process in processes.items():
        wait(process)
        kill(process, delays[folder])
    for folder in delays:
        classifier = krp.ResBlockImageClassifier.from_preset(folder)
        numbers = {float(value) for array in values(classifier).values() for value in array.flat}
        assert len(numbers) == 1
        assert classifier.class_names == [f"{int(*numbers)}{letter}" for letter in "abc"]


@pytest.mark.parametrize("model", [tiny_backbone, tiny_classifier])
def test_a_full_disk_leaves_the_old_preset(folder, model):
    resource = pytest.importorskip("resource", reason="Windows has no limit on file sizes.")
    tiny_classifier().save_to_preset(folder)
    before = contents(folder.parent)
    model = model()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, limits[1]))
    try:
        with pytest.raises(Exception, match=r"(?i)file too large|write"):
            model.save_to_preset(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(folder.parent) == before


def test_an_exception_leaves_the_old_folder(folder):
    before = contents(folder.parent)

    def fail():
        with replacing(folder) as staged:
            (staged / "README.md").write_text("half a ca")
            (staged / "samples" / "cat.jpg").unlink()
            raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        fail()
    assert contents(folder.parent) == before


def test_a_save_inside_a_save_appears_with_it(folder):
    with replacing(folder) as staged:
        (staged / "outer").write_text("1")
        with replacing(staged) as inner:
            (inner / "inner").write_text("2")
        assert not (folder / "inner").exists()
    assert (folder / "outer").read_text() + (folder / "inner").read_text() == "12"
    assert_others_kept(folder)


def test_where_folders_cannot_be_exchanged(folder, monkeypatch):
    # As on Windows and some network file systems, which no test can mount here.
    monkeypatch.setattr(_replace, "_exchange", lambda left, right: False)
    with replacing(folder) as staged:
        (staged / "new").write_text("1")
    assert (folder / "new").exists()
    assert_others_kept(folder)
    # Killed in the gap, the next save finds the old folder again.
    for name in (".d410850fd5f4e0a3.0123abcd.old", ".preset.0123abcd.old"):
        folder.rename(folder.with_name(name))
        with replacing(folder):
            pass
        assert_others_kept(folder)
        assert [path.name for path in folder.parent.iterdir()] == ["preset"]


def test_only_left_overs_of_the_same_folder_are_removed(folder):
    # SHA-256 of the folder's name, and of another.
    own, other = ".d410850fd5f4e0a3", ".d9298a10d1b07358"
    kept = [".preset.saving", ".preset.backup.old", ".other.0123abcd.saving", "preset.0123abcd.old"]
    kept += [f"{other}.0123abcd.saving", f"{own}.saving"]
    # The second is what earlier versions left.
    for name in [*kept, f"{own}.0123abcd.saving", ".preset.0123abcd.saving"]:
        (folder.parent / name).mkdir()
    with replacing(folder):
        pass
    assert {path.name for path in folder.parent.iterdir()} == {"preset", *kept}


def test_the_working_folder_can_be_saved_to(folder, monkeypatch):
    monkeypatch.chdir(folder)
    tiny_backbone().save_to_preset(".")
    assert pathlib.Path.cwd() == folder
    assert pathlib.Path("config.json").exists()
    krp.ResBlockBackbone.from_preset(".")


def test_a_link_to_a_folder_stays_a_link(folder):
    link = folder.parent / "link"
    link.symlink_to(folder, target_is_directory=True)
    with replacing(link) as staged:
        (staged / "new").write_text("1")
    assert link.is_symlink()
    assert (folder / "new").exists()


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ValueError, match="must be a folder"):
        tiny_backbone().save_to_preset(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"


def test_files_get_the_users_permissions(tmp_path):
    mask = os.umask(0o022)
    try:
        tiny_classifier().save_to_preset(tmp_path / "preset")
    finally:
        os.umask(mask)
    assert (tmp_path / "preset").stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "preset").iterdir()} == {0o644}


def test_saving_over_a_preset_keeps_what_the_save_does_not_own(folder):
    tiny_classifier().save_to_preset(folder)
    backbone = tiny_backbone("act")
    backbone.save_to_preset(folder)
    loaded = krp.ResBlockBackbone.from_preset(folder)
    assert values(loaded).keys() == values(backbone).keys()
    assert_others_kept(folder)
