"""The endpoints of the tests' Hub that the client calls to push and pull."""

import base64
import hashlib
import io
import json
from typing import TYPE_CHECKING

import flask
from werkzeug.routing import BaseConverter

from tests.hub.store import Commit, File, Refused, card_errors

if TYPE_CHECKING:
    from tests.hub.server import Hub


class _RepoName(BaseConverter):
    regex = "[^/]+/[^/]+?"
    part_isolating = False


def make_app(hub: "Hub") -> flask.Flask:
    """Makes the web application. `hub` checks the permissions."""
    app = flask.Flask("hub")
    app.url_map.converters["repo"] = _RepoName
    app.register_error_handler(Refused, lambda error: error.answer)

    @app.get("/api/whoami-v2")
    def whoami():
        user, role = hub.caller()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        access = {"accessToken": {"displayName": "tests", "role": role}}
        return {"type": "user", "name": user, "orgs": [], "auth": access}

    @app.post("/api/repos/create")
    def create_repo():
        user, role = hub.caller()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        body = flask.request.get_json()
        owner = body.get("organization") or user
        if role != "write" or owner != user:
            raise Refused(403, f"You don't have the rights to create a model under {owner}")
        name = f"{owner}/{body['name']}"
        answer = {"url": f"{hub.url}/{name}", "name": name}
        if name in hub.repos:
            return {**answer, "error": "You already created this model repo"}, 409
        hub.repo(name, private=body.get("visibility") == "private")
        return answer

    @app.post("/api/validate-yaml")
    def validate_yaml():
        errors = card_errors(flask.request.get_json()["content"])
        return {"errors": [{"message": error} for error in errors]}, 400 if errors else 200

    @app.get("/api/models/<repo:name>")
    @app.get("/api/models/<repo:name>/revision/<path:revision>")
    def model_info(name, revision="main"):
        repo = hub.open(name)
        commit = repo.find(revision)
        names = {"id": name, "modelId": name, "author": repo.owner, "sha": commit.id}
        return {**names, "private": repo.private, "gated": False, "siblings": _siblings(commit)}

    @app.get("/api/models/<repo:name>/refs")
    def refs(name):
        answer = {"converts": [], "branches": [], "tags": [], "pullRequests": []}
        kinds = {"heads": "branches", "tags": "tags", "pr": "pullRequests"}
        for ref, commit in hub.open(name).refs.items():
            _, kind, short = ref.split("/", 2)
            entry = {"name": ref if kind == "pr" else short, "ref": ref, "targetCommit": commit}
            answer[kinds[kind]].append(entry)
        return answer

    @app.get("/api/models/<repo:name>/discussions")
    def discussions(name):
        repo = hub.open(name)
        wanted = flask.request.args.get("status")
        found = []
        for number, title in repo.pull_requests.items():
            status = "closed" if number in repo.closed else "open"
            if wanted in (None, status):
                found.append(
                    {
                        "title": title,
                        "num": number,
                        "status": status,
                        "createdAt": "2026-01-01T00:00:00.000Z",
                        "repo": {"name": name, "type": "model"},
                        "isPullRequest": True,
                    }
                )
        return {"discussions": found, "count": len(found), "start": 0}

    @app.get("/api/models/<repo:name>/tree/<path:revision>")
    def tree(name, revision):
        return [file.describe(path) for path, file in hub.open(name).find(revision).files.items()]

    @app.post("/api/models/<repo:name>/paths-info/<path:revision>")
    def paths_info(name, revision):
        files = hub.open(name).find(revision).files
        paths = flask.request.form.getlist("paths")
        return [files[path].describe(path) for path in paths if path in files]

    @app.post("/api/models/<repo:name>/branch/<path:branch>")
    def create_branch(name, branch):
        start = flask.request.get_json().get("startingPoint", "main")
        hub.open(name, write=True).refer(f"refs/heads/{branch}", start)
        return {}

    @app.post("/api/models/<repo:name>/tag/<path:revision>")
    def create_tag(name, revision):
        tag = flask.request.get_json()["tag"]
        hub.open(name, write=True).refer(f"refs/tags/{tag}", revision)
        return {}

    @app.post("/api/models/<repo:name>/preupload/<path:revision>")
    def preupload(name, revision):
        repo = hub.open(name, write=True)
        files = []
        for entry in flask.request.get_json()["files"]:
            sample = base64.b64decode(entry["sample"])
            large = repo.is_large(entry["path"], sample) or entry["size"] > 10_000_000
            mode = {"uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if old := repo.find(revision).files.get(entry["path"]):
                mode["oid"] = old.sha256 if old.lfs else old.git_oid
            files.append({"path": entry["path"], **mode})
        return {"files": files}

    @app.post("/<repo:name>.git/info/lfs/objects/batch")
    def lfs_batch(name):
        repo = hub.open(name)
        if hub.caller()[1] != "write":
            raise Refused(403, "Forbidden: you must use a write token.")
        objects = flask.request.get_json(force=True)["objects"]
        for entry in objects:
            if entry["oid"] not in repo.large:
                upload = f"{hub.storage_url}/storage/{name}/{entry['oid']}"
                verify = f"{hub.url}/{name}.git/info/lfs/verify"
                entry["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        return {"transfer": "basic", "objects": objects}

    @app.put("/storage/<repo:name>/<oid>")
    def upload(name, oid):
        content = flask.request.get_data()
        if hashlib.sha256(content).hexdigest() != oid:
            raise Refused(400, "The content does not match its checksum")
        hub.repos[name].large[oid] = content
        return {}

    @app.post("/<repo:name>.git/info/lfs/verify")
    def lfs_verify(name):
        entry = flask.request.get_json(force=True)
        if len(hub.open(name).large.get(entry["oid"], b"")) != entry["size"]:
            raise Refused(404, "This object was not uploaded")
        return {}

    @app.post("/api/models/<repo:name>/commit/<path:revision>")
    def commit(name, revision):
        repo = hub.open(name, write=True)
        header, *lines = map(json.loads, flask.request.get_data().splitlines())
        changes = {}
        for line in lines:
            kind, path = line["key"], line["value"]["path"]
            if kind == "file":
                changes[path] = File(base64.b64decode(line["value"]["content"]))
            elif kind == "lfsFile" and line["value"]["oid"] in repo.large:
                changes[path] = File(repo.large[line["value"]["oid"]], lfs=True)
            elif kind == "deletedFile" and path in repo.find(revision).files:
                changes[path] = None
            else:
                raise Refused(400, f"Cannot {kind} {path}: there is no such file or object")
        if (card := changes.get("README.md")) and card_errors(card.content.decode()):
            raise Refused(400, "Invalid metadata in README.md")
        parent = header["value"].get("parentCommit")
        answer = {}
        if "create_pr" in flask.request.args:
            number = 1 + sum(ref.startswith("refs/pr/") for ref in repo.refs)
            answer["pullRequestUrl"] = f"{hub.url}/{name}/discussions/{number}"
            repo.refer(f"refs/pr/{number}", revision)
            repo.pull_requests[number] = header["value"]["summary"]
            revision = f"refs/pr/{number}"
        made = repo.commit(changes, revision, header["value"]["summary"], parent)
        url = f"{hub.url}/{name}/commit/{made.id}"
        return {**answer, "success": True, "commitOid": made.id, "commitUrl": url}

    @app.get("/<repo:name>/resolve/<path:rest>")
    def resolve(name, rest):
        repo = hub.open(name)
        # Revisions may contain slashes.
        known = [*repo.refs, *(ref.split("/", 2)[2] for ref in repo.refs)]
        matching = [revision for revision in known if rest.startswith(f"{revision}/")]
        revision = max(matching, key=len, default=rest.split("/")[0])
        commit, path = repo.find(revision), rest[len(revision) + 1 :]
        headers = {"X-Repo-Commit": commit.id}
        if (file := commit.files.get(path)) is None:
            raise Refused(404, "Entry not found", "EntryNotFound", **headers)
        if file.lfs:
            answer = flask.redirect(f"{hub.storage_url}/storage/{name}/{file.sha256}")
            headers["X-Linked-Size"] = str(len(file.content))
            headers["X-Linked-Etag"] = f'"{file.sha256}"'
        else:
            answer = _send(file.content, file.git_oid)
        answer.headers.update(headers)
        return answer

    @app.get("/storage/<repo:name>/<oid>")
    def download(name, oid):
        return _send(hub.repos[name].large[oid], oid)

    return app


def _send(content: bytes, etag: str) -> flask.Response:
    # `conditional` serves range requests.
    kind = "application/octet-stream"
    return flask.send_file(io.BytesIO(content), kind, etag=etag, conditional=True)


def _siblings(commit: Commit) -> list[dict]:
    siblings = []
    for path, file in sorted(commit.files.items()):
        siblings.append({"rfilename": path})
        if "blobs" in flask.request.args:
            siblings[-1] |= {"blobId": file.git_oid, "size": len(file.content)}
            if lfs := file.describe(path).get("lfs"):
                siblings[-1]["lfs"] = {"sha256": lfs.pop("oid"), **lfs}
    return siblings
