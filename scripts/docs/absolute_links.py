"""Make the relative links of a page absolute, for places outside of this repository.

The address is `Repository` under `[project.urls]` in `pyproject.toml`. Without one, the page stays
as it is. A release runs this on the README before it builds the wheel, and does not commit the
result.
"""

import argparse
import posixpath
import re
import tomllib
from pathlib import Path

_LINK = re.compile(r"(?P<image>!?)(?P<text>\[[^\]]*\])\((?P<link>[^):#\s]+)(?P<anchor>#[^)]*)?\)")


def absolute_links(markdown: str, page: str, address: str) -> str:
    """Returns a page whose links into the repository are absolute.

    Args:
        markdown: str. The text of the page.
        page: str. The path of the page in the repository.
        address: str. The repository's web page, such as `"https://github.com/user/name"`.
    """

    def absolute(match: re.Match) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), match["link"]))
        # A picture is shown from its bytes, anything else on its page.
        kind = "raw" if match["image"] else "blob"
        url = f"{address.rstrip('/')}/{kind}/HEAD/{path}{match['anchor'] or ''}"
        return f"{match['image']}{match['text']}({url})"

    return _LINK.sub(absolute, markdown)


def main() -> None:
    """Changes the page in place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", help="the page, by its path in the repository")
    page = parser.parse_args().page
    urls = tomllib.loads(Path("pyproject.toml").read_text())["project"].get("urls", {})
    if "Repository" not in urls:
        print(f"{page} is unchanged: pyproject.toml has no `Repository` under `[project.urls]`.")
        return
    file = Path(page)
    file.write_text(absolute_links(file.read_text(), page, urls["Repository"]))


if __name__ == "__main__":
    main()
