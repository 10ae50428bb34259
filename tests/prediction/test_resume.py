"""A run that was killed continues, and no row is lost or doubled."""

import os
import pathlib
import subprocess
import sys

import filelock
import numpy as np
import pytest

from keras_resblocks_plugin.prediction import PredictConfig, predict
from tests.prediction.made import columns_of, save_images, table_of

COUNT, KILLS = 120, 3
OPTIONS = {"top": 2, "batch_size": 4, "part_rows": 8}
RUNS = pathlib.Path(__file__).parent / "killed_runs.py"
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = save_images(tmp_path_factory.mktemp("images") / "flat", COUNT)
    (folder / "017.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def whole(saved_preset, images, tmp_path_factory):
    """The file of an undisturbed run."""
    out = tmp_path_factory.mktemp("whole") / "out.parquet"
    table_of(out, saved_preset, images, **OPTIONS)
    return out


@pytest.mark.slow
def test_killed_runs_give_the_rows_of_an_undisturbed_one(saved_preset, images, whole, tmp_path):
    out = tmp_path / "out.parquet"
    words = ["predict", saved_preset, images, "--out", out, "--cache", whole.parent / "cache"]
    for name, value in OPTIONS.items():
        words += [f"--{name.replace('_', '-')}", value]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, RUNS, str(KILLS), *map(str, words)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    *parts, result = process.stdout.splitlines()
    # Each run was killed in the middle, and continued from the parts before.
    assert len(parts) == KILLS
    assert sorted(parts, key=int) == parts
    assert 0 < int(parts[-1]) < COUNT // 8
    assert result == f'{{"out": "{out}", "rows": {COUNT}, "errors": 1}}'
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]

    expected, found = columns_of(whole), columns_of(out)
    assert found["row"] == list(range(COUNT))
    for name in ("path", "id", "label", "class_name", "class_names", "error"):
        assert found[name] == expected[name]
    for name in ("probability", "probabilities"):
        left, right = (
            np.array([value for value in columns[name] if value is not None])
            for columns in (found, expected)
        )
        np.testing.assert_allclose(left, right, rtol=1e-6)


def stop_after(monkeypatch, count: int) -> None:
    """Raises in place of writing another part than the first ones."""
    from keras_resblocks_plugin.prediction._table import Parts

    write = Parts.write

    def stopping(self, number, rows):
        if number == count:
            raise KeyboardInterrupt
        write(self, number, rows)

    monkeypatch.setattr(Parts, "write", stopping)


def test_only_the_same_settings_continue(saved_preset, images, whole, tmp_path, monkeypatch):
    out, arguments = tmp_path / "out.parquet", (saved_preset, images)
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            table_of(out, *arguments, **OPTIONS)
    parts = tmp_path / "out.parquet.parts"
    assert len(list(parts.glob("part-*.parquet"))) == 2
    with pytest.raises(ValueError, match=r"out\.parquet\.parts was made .*`top` was 2, now 3"):
        table_of(out, *arguments, **{**OPTIONS, "top": 3})
    other = save_images(tmp_path / "flat", 5)
    with pytest.raises(ValueError, match=r"`data\.fingerprint` was .*`data\.rows` was 120, now 5"):
        table_of(out, saved_preset, other, **OPTIONS)
    with (
        filelock.FileLock(parts / "lock"),
        pytest.raises(ValueError, match="`out` must not be written by another process"),
    ):
        table_of(out, *arguments, **OPTIONS)
    # Batches may have another size.
    found = table_of(out, *arguments, **{**OPTIONS, "batch_size": 5})
    assert found["row"] == list(range(COUNT))
    assert found["class_names"] == columns_of(whole)["class_names"]
    assert not parts.exists()


def test_a_file_that_is_complete_is_kept(saved_preset, images, whole, tmp_path, capsys):
    cache = whole.parent / "cache"
    config = {"preset": str(saved_preset), "data": str(images), "out": whole, "cache": cache}
    before = whole.stat().st_mtime_ns
    # What a kill may leave after the file is complete.
    (whole.parent / "out.parquet.parts").mkdir()
    assert predict(PredictConfig(**config, **OPTIONS)) == {"rows": COUNT, "errors": 1}
    assert "is complete already" in capsys.readouterr().err
    assert whole.stat().st_mtime_ns == before
    assert not (whole.parent / "out.parquet.parts").exists()
    with pytest.raises(ValueError, match=r"`top` was 2, now null.*remove it"):
        predict(PredictConfig(**config, **{**OPTIONS, "top": None}))
    for out in (tmp_path / "other.parquet", tmp_path / "folder"):
        out.mkdir() if out.suffix == "" else out.write_text("not made by this package")
        with pytest.raises(ValueError, match="has no record of the settings"):
            predict(PredictConfig(**{**config, "out": out}))
