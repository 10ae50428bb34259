"""A hook of MkDocs that puts the repository's own pages into the site, where they lie.

A page keeps its path, so that its relative links hold in the repository and in the site. What a
page links to comes along: pictures, recipes, the licence, and of a folder its README.
"""

import os
import re
from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
# Pages of the site alone, at its root.
_OWN = Path(__file__).resolve().parent / "pages"
_PAGES = ("*.md", "scripts/*.md", "presets/**/*.md", "keras_resblocks_plugin/**/README.md")
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^):#\s]+)((?:#[^)]*)?\))")


def on_files(files: Files, config) -> Files:
    """Adds every page, and every file that a page links to."""
    pages = sorted({path for pattern in _PAGES for path in ROOT.glob(pattern)})
    linked = {
        (page.parent / link).resolve()
        for page in pages
        for _, link, _ in _LINK.findall(page.read_text(encoding="utf-8"))
    }
    others = {path for path in linked - set(pages) if path.is_file() and _OWN not in path.parents}
    for path in [*pages, *sorted(others)]:
        source = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, source, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page, config, files: Files) -> str:
    """Leads links to a folder to its README, and links to the site's own pages to its root."""
    folder = (ROOT / page.file.src_uri).parent

    def to_page(match: re.Match) -> str:
        before, link, after = match.groups()
        target = (folder / link).resolve()
        if _OWN in target.parents:
            return f"{before}{os.path.relpath(ROOT / target.relative_to(_OWN), folder)}{after}"
        readme = folder / link / "README.md"
        return f"{before}{link}/README.md{after}" if readme.is_file() else match.group()

    return _LINK.sub(to_page, markdown)
