"""The repositories of the tests' Hub, and its rules for commits."""

import fnmatch
import hashlib
import secrets
import threading
from dataclasses import dataclass, field

import yaml

_LFS_SUFFIXES = (
    "7z arrow bin ckpt gz h5 keras model msgpack npy npz onnx parquet pb pickle pkl pt pth rar "
    "safetensors tar tflite wasm xz zip zst"
)
_ATTRIBUTES = "".join(f"*.{suffix} filter=lfs -text\n" for suffix in _LFS_SUFFIXES.split())
_LICENSES = (
    "apache-2.0 bsd-3-clause cc-by-4.0 cc-by-nc-4.0 cc-by-sa-4.0 cc0-1.0 gpl-3.0 mit openrail "
    "other unknown unlicense"
).split()


class Refused(Exception):
    """An error that is answered as the Hub answers it."""

    def __init__(self, status: int, message: str, code: str | None = None, **headers: str):
        self.answer = {"error": message}, status, {**headers, "X-Error-Message": message}
        if code is not None:
            self.answer[2]["X-Error-Code"] = code


@dataclass(frozen=True)
class File:
    """A file of a commit, in git or, if it is large, behind a pointer in git."""

    content: bytes
    lfs: bool = False
    kind: str = "file"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def git_oid(self) -> str:
        blob = self._pointer if self.lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(blob) + blob).hexdigest()

    @property
    def _pointer(self) -> bytes:
        version = "version https://git-lfs.github.com/spec/v1"
        return f"{version}\noid sha256:{self.sha256}\nsize {len(self.content)}\n".encode()

    def describe(self, path: str) -> dict:
        entry = {"type": self.kind, "path": path, "oid": self.git_oid, "size": len(self.content)}
        if self.lfs:
            sizes = {"size": len(self.content), "pointerSize": len(self._pointer)}
            entry["lfs"] = {"oid": self.sha256, **sizes}
        return entry


@dataclass(frozen=True)
class Commit:
    """A commit: one state of a repository."""

    files: dict[str, File]
    parent: str | None
    message: str
    # Random, since the client caches by commit, and no two commits may have the same id.
    id: str = field(default_factory=lambda: secrets.token_hex(20))


class Repo:
    """A repository: commits, the references to them, and large files."""

    def __init__(self, name: str, private: bool):
        self.name, self.private, self.owner = name, private, name.split("/")[0]
        first = Commit({".gitattributes": File(_ATTRIBUTES.encode())}, None, "initial commit")
        self.commits = {first.id: first}
        self.refs = {"refs/heads/main": first.id}
        self.large: dict[str, bytes] = {}
        # Titles by number, and the numbers of closed pull requests.
        self.pull_requests: dict[int, str] = {}
        self.closed: set[int] = set()
        self._lock = threading.Lock()

    def find(self, revision: str = "main") -> Commit:
        """Returns the commit of a branch, a tag, a full reference or a commit id."""
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            revision = self.refs.get(name, revision)
        if revision not in self.commits:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[revision]

    def history(self, revision: str = "main") -> list[Commit]:
        """Returns the commits from the first to this one."""
        commit = self.find(revision)
        return [*(self.history(commit.parent) if commit.parent else []), commit]

    def is_large(self, path: str, content: bytes) -> bool:
        rules = self.find().files[".gitattributes"].content.decode().splitlines()
        patterns = [rule.split()[0] for rule in rules if "filter=lfs" in rule]
        by_name = any(fnmatch.fnmatch(path.split("/")[-1], pattern) for pattern in patterns)
        return by_name or b"\0" in content[:512]

    def edit(self, files: dict[str, bytes | None], revision: str = "main") -> str:
        """Commits as the website does. `None` deletes a file. Returns the commit's id."""
        changes = {path: self._store(path, content) for path, content in files.items()}
        return self.commit(changes, revision, "Edit").id

    def commit(
        self,
        changes: dict[str, File | None],
        revision: str,
        message: str,
        expected_parent: str | None = None,
    ) -> Commit:
        """Commits to a branch or a full reference. `None` deletes a file."""
        with self._lock:
            parent = self.find(revision)
            if expected_parent not in (None, parent.id):
                raise Refused(412, "A commit has happened since. Please refresh and try again.")
            reference = revision if revision in self.refs else f"refs/heads/{revision}"
            if reference not in self.refs:
                raise Refused(400, f"Not a branch: {revision}")
            files = {k: v for k, v in {**parent.files, **changes}.items() if v is not None}
            commit = Commit(files, parent.id, message)
            self.commits[commit.id] = commit
            self.refs[reference] = commit.id
            return commit

    def refer(self, reference: str, revision: str) -> None:
        if reference in self.refs:
            raise Refused(409, "Reference already exists")
        self.refs[reference] = self.find(revision).id

    def _store(self, path: str, content: bytes | None) -> File | None:
        if content is None:
            return None
        file = File(content, self.is_large(path, content))
        if file.lfs:
            self.large[file.sha256] = content
        return file


def card_errors(text: str) -> list[str]:
    """Returns the Hub's errors about the metadata of a model card."""
    if not text.startswith("---\n"):
        return []
    try:
        card = yaml.safe_load(text.split("---\n")[1])
    except yaml.YAMLError as error:
        return [f"Invalid YAML: {error}"]
    errors = []
    for key in ("library_name", "license", "pipeline_tag"):
        if not isinstance(card.get(key, ""), str):
            errors.append(f'"{key}" must be a string')
    if card.get("license", "other") not in _LICENSES:
        errors.append(f'"license" must be one of {_LICENSES}')
    for key in ("tags", "datasets", "metrics"):
        values = card.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            errors.append(f'"{key}" must be an array of strings')
    for model in card.get("model-index", []):
        errors += _missing(model, "name", "results")
        for result in model.get("results", []):
            errors += _missing(result, "task.type", "dataset.type", "dataset.name", "metrics")
            for metric in result.get("metrics", []):
                errors += _missing(metric, "type", "value")
    return errors


def _missing(entry: dict, *keys: str) -> list[str]:
    errors = []
    for key in keys:
        value = entry
        for part in key.split("."):
            value = (value or {}).get(part)
        if value is None:
            errors.append(f'"model-index" needs "{key}"')
    return errors
