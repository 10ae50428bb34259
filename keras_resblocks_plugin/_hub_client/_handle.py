"""Handles: names of repositories on the Hub, with an optional revision."""

import re
from typing import NamedTuple

from huggingface_hub.utils import HFValidationError, validate_repo_id

from keras_resblocks_plugin._hub_client._errors import without_tokens

PREFIX = "hf://"


class Handle(NamedTuple):
    """`hf://user/name@revision`; the revision is a branch, a tag, a commit, or `None`."""

    repo_id: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: "str | Handle") -> "Handle":
        """Parses `"hf://user/name"` or `"hf://user/name@revision"`.

        Raises:
            ValueError: If `text` is neither.
        """
        if isinstance(text, Handle):
            return text
        repo_id, at, revision = str(text).removeprefix(PREFIX).partition("@")
        try:
            validate_repo_id(repo_id)
            valid = str(text).startswith(PREFIX) and repo_id.count("/") == 1
            rule = "with letters, digits, `-`, `_` and `.` in user and name"
        except HFValidationError as error:
            valid, rule = False, str(error).rstrip(".")
        if not valid:
            error = (
                "`handle` must be `hf://user/name` or `hf://user/name@revision`: "
                f"{rule}. Received: handle={str(text)!r}"
            )
            # A token may have been passed in place of the handle.
            raise ValueError(without_tokens(error))
        if at:
            check_revision(revision)
        return cls(repo_id, revision or None)

    @property
    def name(self) -> str:
        """The name of the repository without the user."""
        return self.repo_id.split("/")[1]

    def __str__(self) -> str:
        at = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repo_id}{at}"


def check_revision(revision: str) -> str:
    """Returns `revision` if it is a valid name of a branch, a tag or a commit.

    Raises:
        ValueError: If it is not.
    """
    # The client creates a file of this name in its cache, so it must not lead out of the cache.
    if not re.fullmatch(r"\w[\w.+-]*(/\w[\w.+-]*)*", revision) or ".." in revision:
        error = f"`revision` must be a branch, a tag or a commit. Received: revision={revision!r}"
        raise ValueError(without_tokens(error))
    return revision
