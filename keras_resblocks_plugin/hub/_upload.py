"""One commit to one repository: prepared, sent, and compared with what arrived."""

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from keras_resblocks_plugin._hub_client import (
    DamagedError,
    Handle,
    HubClient,
    NotFoundError,
    digest,
    list_digests,
    missing_token,
)
from keras_resblocks_plugin.hub._card import model_card
from keras_resblocks_plugin.hub._contents import CARD_FILE, changes, read_contents
from keras_resblocks_plugin.hub._edited_card import renewed
from keras_resblocks_plugin.saving._preset_folder import PresetFolder

_log = logging.getLogger(__name__)


@dataclass
class Upload:
    """A preset's folder on its way to a repository.

    Args:
        client: The client to send with.
        target: The repository and branch.
        preset: The preset.
        create_pr: bool. Makes the commit a pull request.
        overwrite_card: bool. Replaces a card that people edited.
    """

    client: HubClient
    target: Handle
    preset: PresetFolder
    create_pr: bool = False
    overwrite_card: bool = False

    def __post_init__(self):
        # Refuse forbidden files before anything is created on the Hub.
        self._contents = read_contents(self.preset.path, self.client.token)
        # A pull request gets this title, and is found again by it.
        self._message = f"Push {self.target.name} with keras-resblocks-plugin"

    def compare(self) -> list[str]:
        """The files that would be sent or deleted. Changes nothing."""
        for revision in (self.target.revision, None):
            try:
                head = self.client.call(self.target, self._head, revision)
                changed = self.client.call(self.target, self._changes, head)[1]
            except NotFoundError:
                continue
            if changed and self.create_pr and self.client.call(self.target, self._proposed):
                return []
            return changed
        return [CARD_FILE, *self._contents]

    def send(self, private: bool | None) -> tuple[str, str, list[str]]:
        """Sends what changed; returns the commit, its page and the changed files."""
        if self.client.token is None:
            raise missing_token()
        self._prepare(private)
        return self.client.call(self.target, self._commit)

    def _prepare(self, private: bool | None) -> None:
        api, repo_id, branch = self.client.api, *self.target
        self.client.call(self.target, api.create_repo, repo_id, private=private, exist_ok=True)
        info = self.client.call(Handle(repo_id), api.model_info, repo_id)
        if private and not info.private:
            raise ValueError(
                f"`private=True` was asked for, but `hf://{repo_id}` exists and is public. Nothing "
                "was sent. Make it private in its settings, or push to another repository."
            )
        if branch not in (None, "main") and not branch.startswith("refs/pr/"):
            self.client.call(self.target, api.create_branch, repo_id, branch=branch, exist_ok=True)

    def _commit(self) -> tuple[str, str, list[str]]:
        # The whole function is retried; files that already arrived no longer count as changes.
        api, repo_id, branch = self.client.api, *self.target
        head = self._head(branch)
        operations, names = self._changes(head)
        if not operations:
            _log.info("`%s` has all of it already.", self.target)
            return head, self._page(head), []
        if self.create_pr and (proposed := self._proposed()):
            _log.info("%s proposes all of it already.", proposed[1])
            return *proposed, []
        sizes = [op.upload_info.size for op in operations if isinstance(op, CommitOperationAdd)]
        size = sum(sizes) / 1e6
        _log.info("Sending %d files, %.1f MB, to `%s`.", len(sizes), size, self.target)
        self._upload(operations)
        info = api.create_commit(
            repo_id,
            operations,
            commit_message=self._message,
            revision=branch,
            create_pr=self.create_pr,
            # The Hub refuses if anyone else has committed since, and the next attempt looks again.
            parent_commit=head,
        )
        damaged = self._changes(info.oid)[1]
        if damaged:
            raise DamagedError(
                f"Some files arrived damaged in `{self.target}`, commit {info.oid}: "
                f"{', '.join(damaged)}. Push again to replace them."
            )
        return info.oid, info.pr_url or self._page(info.oid), names

    def _upload(self, operations: list[CommitOperationAdd | CommitOperationDelete]) -> None:
        # Upload one file at a time: the client uploads several from threads that have no
        # deadline.
        for operation in operations:
            if not isinstance(operation, CommitOperationAdd):
                continue
            source = operation.path_or_fileobj
            with contextlib.ExitStack() as opened:
                if isinstance(source, str):
                    stream = opened.enter_context(self.client.exchange.open(source))
                    operation.path_or_fileobj = stream
                self.client.api.preupload_lfs_files(
                    self.target.repo_id,
                    [operation],
                    revision=self.target.revision,
                    create_pr=self.create_pr,
                    free_memory=False,
                )
            # The client reads a small file once more, into the commit itself.
            operation.path_or_fileobj = source

    def _proposed(self) -> tuple[str, str] | None:
        """Commit and page of an open pull request of this package that has all of it."""
        options = {"discussion_type": "pull_request", "discussion_status": "open"}
        for opened in self.client.api.get_repo_discussions(self.target.repo_id, **options):
            # Somebody may have added files that a push refuses.
            with contextlib.suppress(ValueError):
                if opened.title == self._message:
                    commit = self._head(opened.git_reference)
                    if not self._changes(commit)[1]:
                        return commit, opened.url
        return None

    def _changes(self, commit: str) -> tuple[list, list[str]]:
        there = list_digests(self.client, self.target.repo_id, commit)
        card = self._card(commit, there.get(CARD_FILE)).encode()
        operations = changes({**self._contents, CARD_FILE: card}, there, self.target)
        return operations, [
            f"{op.path_in_repo} (deleted)"
            if isinstance(op, CommitOperationDelete)
            else op.path_in_repo
            for op in operations
        ]

    def _card(self, commit: str, expected: str | None) -> str:
        card = model_card(self.preset, self.target.repo_id)
        old = self.preset.path / CARD_FILE
        if expected is not None and not self.overwrite_card:
            download = self.client.api.hf_hub_download
            old = Path(download(self.target.repo_id, CARD_FILE, revision=commit))
            if digest(old, expected) != expected:
                old.resolve().unlink()
                raise DamagedError(f"The card of `{self.target}` arrived damaged. Push again.")
        if not old.is_file():
            return str(card)
        # Bytes, with the line endings that are there, or it would count as changed.
        return renewed(old.read_bytes(), card)

    def _head(self, revision: str | None) -> str:
        return self.client.api.model_info(self.target.repo_id, revision=revision).sha

    def _page(self, commit: str) -> str:
        return f"{self.client.api.endpoint}/{self.target.repo_id}/commit/{commit}"
