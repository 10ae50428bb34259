"""The tests' Hub behaves as the real client expects, and injects faults."""

import hashlib
import os
from pathlib import Path

import huggingface_hub as hf
import pytest
from huggingface_hub import errors

from tests.hub.server import Fault

REPO = "user/name"
WEIGHTS = bytes(range(256)) * 64
FILES = {"config.json": b'{"filters": 8}', "model.safetensors": WEIGHTS}


def add(**files: bytes) -> list:
    files = {path.replace("__", "."): content for path, content in files.items()} or FILES
    return [hf.CommitOperationAdd(path, content) for path, content in files.items()]


def push(**options) -> hf.CommitInfo:
    hf.create_repo(REPO, exist_ok=True)
    return hf.create_commit(REPO, add(), commit_message="Push", **options)


def read(path: str, **options) -> bytes:
    return Path(hf.hf_hub_download(REPO, path, **options)).read_bytes()


def test_push_and_pull_round_trip(hub):
    info = push()
    folder = Path(hf.snapshot_download(REPO))
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert folder.name == info.oid == hub.repos[REPO].find().id
    assert (folder / ".gitattributes").exists()


def test_large_files_go_to_storage_and_without_the_token(hub):
    push()
    read("model.safetensors")
    (upload,) = hub.sent("upload")
    (download,) = hub.sent("download")
    assert upload.size == len(WEIGHTS)
    assert upload.role is None
    assert download.role is None
    assert hub.sent("commit")[0].role == "write"


def test_digests_are_those_of_git_and_lfs(hub):
    push()
    config, weights = (
        hf.HfApi().get_paths_info(REPO, [path])[0] for path in ("config.json", "model.safetensors")
    )
    # The input of `git hash-object`.
    blob = b"blob 14\0" + FILES["config.json"]
    assert config.blob_id == hashlib.sha1(blob).hexdigest()
    assert config.lfs is None
    assert weights.lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert weights.size == weights.lfs.size == len(WEIGHTS)
    siblings = hf.model_info(REPO, files_metadata=True).siblings
    assert {file.rfilename: file.size for file in siblings}["model.safetensors"] == len(WEIGHTS)
    assert [file.lfs.sha256 for file in siblings if file.lfs] == [weights.lfs.sha256]


def test_an_unchanged_push_sends_nothing(hub):
    first = push()
    hub.requests.clear()
    assert push().oid == first.oid
    assert hub.sent("upload") == hub.sent("commit") == []
    assert len(hub.repos[REPO].history()) == 2


def test_branches_tags_and_commits_are_revisions(hub):
    first = push().oid
    hf.create_branch(REPO, branch="exp/one")
    hf.create_tag(REPO, tag="v1")
    second = hf.create_commit(
        REPO, add(config__json=b"{}"), commit_message="Edit", revision="exp/one"
    )
    for revision, content in {"v1": FILES["config.json"], "exp/one": b"{}", first: None}.items():
        assert read("config.json", revision=revision) == (content or FILES["config.json"])
    assert hf.model_info(REPO, revision="exp/one").sha == second.oid
    refs = hf.HfApi().list_repo_refs(REPO)
    assert {ref.name: ref.target_commit for ref in refs.branches + refs.tags} == {
        "main": first,
        "exp/one": second.oid,
        "v1": first,
    }
    with pytest.raises(errors.HfHubHTTPError, match="409"):
        hf.create_tag(REPO, tag="v1")


def test_pull_requests_have_a_revision_of_their_own(hub):
    main = push().oid
    info = hf.create_commit(REPO, add(config__json=b"{}"), commit_message="PR", create_pr=True)
    assert (info.pr_num, info.pr_revision) == (1, "refs/pr/1")
    assert read("config.json", revision="refs/pr/1") == b"{}"
    assert hf.model_info(REPO).sha == main


def test_commits_delete_and_respect_their_parent(hub):
    parent = push().oid
    delete = [hf.CommitOperationDelete("config.json")]
    hf.create_commit(REPO, delete, commit_message="Delete", parent_commit=parent)
    assert "config.json" not in hf.list_repo_files(REPO)
    with pytest.raises(errors.HfHubHTTPError, match="A commit has happened since"):
        hf.create_commit(REPO, add(a=b"b"), commit_message="Late", parent_commit=parent)


@pytest.mark.parametrize(
    ("path", "options", "error"),
    [
        ("absent.json", {}, errors.RemoteEntryNotFoundError),
        ("config.json", {"revision": "absent"}, errors.RevisionNotFoundError),
        ("config.json", {"repo_id": "user/absent"}, errors.RepositoryNotFoundError),
    ],
)
def test_errors_name_what_is_missing(hub, path, options, error):
    push()
    with pytest.raises(error):
        hf.hf_hub_download(**{"repo_id": REPO, "filename": path, **options})


def test_tokens_control_reads_and_writes(hub):
    hub.repo("user/secret", private=True).edit({"a.txt": b"a"})
    push()
    for token in (False, hub.token("other"), hub.token(role="wrong")):
        with pytest.raises(errors.HfHubHTTPError, match=r"401|404"):
            hf.model_info("user/secret", token=token)
    assert hf.model_info("user/secret", token=hub.token(role="read")).private
    for token in (False, hub.token(role="read"), hub.token("other")):
        # The Hub answers that the repository exists, whoever asks.
        hf.create_repo(REPO, exist_ok=True, token=token)
        with pytest.raises(errors.HfHubHTTPError, match=r"401|403"):
            hf.create_commit(REPO, add(b=b"b"), commit_message="No", token=token)
    info = hf.create_commit(
        REPO, add(b=b"b"), commit_message="PR", create_pr=True, token=hub.token("other")
    )
    assert info.pr_num == 1
    assert hf.whoami()["name"] == "user"
    assert hf.whoami(hub.token(role="read"))["auth"]["accessToken"]["role"] == "read"
    with pytest.raises(errors.HfHubHTTPError, match="Invalid user token"):
        hf.whoami(hub.token(role="wrong"))


def test_the_log_has_no_token(hub):
    push()
    assert os.environ["HF_TOKEN"] not in repr(hub.requests)
    assert {request.role for request in hub.requests} == {"write", None}


def test_the_metadata_of_cards_is_validated(hub):
    hf.create_repo(REPO)
    result = {"task": {"type": "image-classification"}, "metrics": []}
    for card in (
        "license: [",
        "tags: one",
        "license: mine",
        f"model-index: [{{results: [{result}]}}]",
    ):
        content = f"---\n{card}\n---\n# Card".encode()
        with pytest.raises(ValueError, match="Invalid metadata"):
            hf.create_commit(
                REPO, [hf.CommitOperationAdd("README.md", content)], commit_message="x"
            )
    hf.ModelCard("---\nlicense: mit\ntags: [keras]\n---\n# Card").push_to_hub(REPO)
    assert hf.ModelCard.load(REPO).data.license == "mit"


def test_ranges_are_served(hub):
    push()
    url = hf.hf_hub_url(REPO, "model.safetensors")
    response = hf.utils.get_session().get(url, headers={"Range": "bytes=10-19"})
    assert (response.status_code, response.content) == (206, WEIGHTS[10:20])


def test_a_lost_answer_has_taken_effect(hub):
    hf.create_repo(REPO)
    hub.inject(Fault("commit", status=504, too_late=True))
    with pytest.raises(errors.HfHubHTTPError, match="504"):
        push()
    assert set(FILES) < set(hf.list_repo_files(REPO))


def test_a_refused_commit_has_not(hub):
    hf.create_repo(REPO)
    hub.inject(Fault("commit", status=500))
    with pytest.raises(errors.HfHubHTTPError, match="500"):
        push()
    assert hf.list_repo_files(REPO) == [".gitattributes"]
    assert push().oid == hub.repos[REPO].find().id
    assert len(hub.sent("upload")) == 1


def test_downloads_break_off_and_resume(hub):
    push()
    hub.inject(Fault("download", damage=lambda content: content[: len(content) // 2]))
    assert read("model.safetensors") == WEIGHTS
    assert len(hub.sent("download")) == 2


def test_downloads_can_be_wrong(hub):
    push()
    hub.inject(Fault("download", damage=lambda content: b"\1" + content[1:]))
    assert read("model.safetensors") == b"\1" + WEIGHTS[1:]


def test_429_and_unreachable(hub):
    push()
    hub.inject(Fault("preupload", status=429, headers={"Retry-After": "0"}))
    assert push().oid == hub.repos[REPO].find().id
    with hub.unreachable(), pytest.raises(Exception, match="refused"):
        hf.model_info(REPO)
    assert hf.model_info(REPO).sha == hub.repos[REPO].find().id


def test_a_commit_can_land_between_two_requests(hub):
    push()
    hub.inject(Fault("tree", call=lambda: hub.repos[REPO].edit({"config.json": b"{}"})))
    folder = Path(hf.snapshot_download(REPO))
    assert (folder / "config.json").read_bytes() == FILES["config.json"]
    assert hub.repos[REPO].find().id != folder.name
