"""The links of every page lead somewhere, and the first page stays short."""

import re
import tomllib

import pytest

from tests.docs.pages import PAGES, ROOT, read


def slugs(text: str) -> set[str]:
    """The anchors that GitHub and MkDocs give to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_into_the_repository_leads_somewhere(page):
    for link in re.findall(r"\]\(([^):]+)\)", read(page)):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in slugs(target.read_text(encoding="utf-8")), link


def test_every_page_is_linked_from_the_first():
    reached, new = set(), {"README.md"}
    while new:
        reached |= new
        links = {
            ((ROOT / page).parent / link.partition("#")[0]).resolve()
            for page in new
            for link in re.findall(r"\]\(([^):]+)\)", read(page))
        }
        new = {page for page in PAGES if (ROOT / page).resolve() in links} - reached
    assert reached == set(PAGES)


def test_the_first_page_is_short():
    assert len(read("README.md").splitlines()) <= 250


def test_pages_and_changelog_are_of_this_version():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    wheels = re.findall(r"keras_resblocks_plugin-(.+?)-py3-none-any\.whl", read("README.md"))
    assert set(wheels) == {version}
    assert re.search(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE).group(1) == version
