"""All tables of the pages are those that the script writes from what the repository keeps."""

import shutil

import pytest
import tables

from tests.fixtures import SCRIPTS

ROOT = SCRIPTS.parent
PAGES = [
    "README.md",
    "keras_resblocks_plugin/training/README.md",
    "keras_resblocks_plugin/export/README.md",
]


@pytest.mark.slow
def test_the_pages_have_what_the_script_writes(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    for page in PAGES:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    monkeypatch.chdir(ROOT)
    tables.main(tables.parse_args(["--root", str(tmp_path)]))
    written = [*PAGES, *(x.relative_to(ROOT) for x in ROOT.glob("presets/**/README.md"))]
    for page in written:
        assert (tmp_path / page).read_text() == (ROOT / page).read_text(), page
