"""Pages that are shown outside of the repository have absolute links."""

import subprocess
import sys

import pytest

from tests.docs.pages import ROOT, read

SCRIPT = ROOT / "scripts/docs/absolute_links.py"
ADDRESS = "https://example.org/user/name"


@pytest.fixture
def project(tmp_path):
    def write(page: str, text: str, urls: str = ""):
        (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{urls}')
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / page).write_text(text)
        subprocess.run([sys.executable, SCRIPT, page], cwd=tmp_path, check=True)
        return (tmp_path / page).read_text()

    return write


def test_links_and_pictures(project):
    text = "[a](../b/c.md#d) ![p](p.png) [e](https://x.org/y) [f](#g)"
    assert project("x/page.md", text, f'[project.urls]\nRepository = "{ADDRESS}"') == (
        f"[a]({ADDRESS}/blob/HEAD/b/c.md#d) ![p]({ADDRESS}/raw/HEAD/x/p.png) "
        f"[e](https://x.org/y) [f](#g)"
    )


def test_without_an_address_nothing_changes(project):
    assert project("README.md", read("README.md")) == read("README.md")


def test_the_first_page(project):
    text = project("README.md", read("README.md"), f'[project.urls]\nRepository = "{ADDRESS}"')
    assert f"({ADDRESS}/raw/HEAD/.github/blocks.png)" in text
    assert "](keras_resblocks_plugin/" not in text
