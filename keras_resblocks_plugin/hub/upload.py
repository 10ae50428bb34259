"""One commit to one repository: prepared, sent, and compared with what arrived."""

import logging
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from keras_resblocks_plugin.hub.card import model_card
from keras_resblocks_plugin.hub.contents import CARD_FILE, changes, read_contents
from keras_resblocks_plugin.hub.edited_card import renewed
from keras_resblocks_plugin.hub_client import (
    DamagedError,
    Handle,
    HubClient,
    NotFoundError,
    digest,
    list_digests,
    missing_token,
)

_log = logging.getLogger(__name__)


@dataclass
class Upload:
    """A preset's folder on its way to a repository.

    Args:
        client: Who sends.
        target: The repository and branch.
        folder: The preset.
        create_pr: Whether the commit is a pull request.
        overwrite_card: Whether a card that people edited is replaced.
    """

    client: HubClient
    target: Handle
    folder: Path
    create_pr: bool = False
    overwrite_card: bool = False

    def __post_init__(self):
        # What must not be sent is found before anything is created there.
        self._contents = read_contents(self.folder, self.client.token)
        self._known_prs = set()

    def compare(self) -> list[str]:
        """What would be sent or deleted; changes nothing."""
        for revision in (self.target.revision, None):
            try:
                head = self.client.call(self.target, self._head, revision)
                return self.client.call(self.target, self._changes, head)[1]
            except NotFoundError:
                continue
        return [CARD_FILE, *self._contents]

    def send(self, private: bool | None) -> tuple[str, str, list[str]]:
        """Sends what changed; returns the commit, its page and the changed files."""
        if self.client.token is None:
            raise missing_token()
        self._prepare(private)
        if self.create_pr:
            self._known_prs = self.client.call(self.target, self._pull_requests)
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
        # All of it is repeated after a failure: what arrived before is then no change any more.
        api, repo_id, branch = self.client.api, *self.target
        head = self._head(branch)
        for lost in self._pull_requests() - self._known_prs if self.create_pr else ():
            if not self._changes(self._head(lost))[1]:
                return self._head(lost), f"{api.endpoint}/{repo_id}/discussions/{lost[8:]}", []
        operations, names = self._changes(head)
        if not operations:
            _log.info("`%s` has all of it already.", self.target)
            return head, self._page(head), []
        sizes = [op.upload_info.size for op in operations if isinstance(op, CommitOperationAdd)]
        size = sum(sizes) / 1e6
        _log.info("Sending %d files, %.1f MB, to `%s`.", len(sizes), size, self.target)
        info = api.create_commit(
            repo_id,
            operations,
            commit_message=f"Push {self.target.name} with keras-resblocks-plugin",
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
        card = model_card(self.folder, self.target.repo_id)
        old = self.folder / CARD_FILE
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

    def _pull_requests(self) -> set[str]:
        refs = self.client.api.list_repo_refs(self.target.repo_id, include_pull_requests=True)
        return {ref.ref for ref in refs.pull_requests or []}

    def _page(self, commit: str) -> str:
        return f"{self.client.api.endpoint}/{self.target.repo_id}/commit/{commit}"
