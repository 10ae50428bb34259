"""A Hub on the loopback interface, to which the real `huggingface_hub` client talks over HTTP.

It implements repositories, commits, branches, tags, pull requests, large files and tokens as far
as the client uses them (`api.py`), and injects the faults that a test asks for.
"""

import contextlib
import io
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import flask
from werkzeug.serving import make_server

from tests.hub import api as hub_api
from tests.hub.store import Refused, Repo

_READ_ONLY = "Forbidden: you must use a write token to upload to a repository."
_LONGEST_SILENCE = 60.0
_PIECES = 10
_FOREIGN = "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"


@dataclass(frozen=True)
class Request:
    """A logged request, with the role of its token in place of the token."""

    endpoint: str
    method: str
    path: str
    role: str | None
    size: int


@dataclass
class Fault:
    """A fault in the next requests to an endpoint.

    Args:
        endpoint: The name of a function in `api.py`.
        times: The number of requests.
        status: The status of the answer, which replaces the request's effect.
        headers: Headers of that answer.
        too_late: Whether the request takes effect before it is answered with `status`, so that
            only the real answer is lost.
        delay: Seconds to wait before the request is handled.
        silent: Whether there is no answer until the test ends.
        slow: Seconds that the body takes, in ten pieces: the body of an upload, otherwise that of
            the answer.
        call: Runs before the request takes effect.
        damage: Changes the bytes of the answer. If it shortens them, the connection closes
            before the announced end.
    """

    endpoint: str
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    too_late: bool = False
    delay: float = 0.0
    silent: bool = False
    slow: float = 0.0
    call: Callable[[], object] | None = None
    damage: Callable[[bytes], bytes] | None = None


class Hub:
    """The server. It keeps its repositories while it is stopped."""

    def __init__(self, port: int):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        # Like the real storage, it has another origin than the Hub, and must not get a token.
        self.storage_url = f"http://localhost:{port}"
        # The same in all tests, for processes that keep their first environment.
        self.users_token = _new_token()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Clears all repositories, faults, requests and tokens but the user's."""
        self._released.set()
        self._released = threading.Event()
        self.repos: dict[str, Repo] = {}
        self.tokens = {self.users_token: ("user", "write")}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []

    def start(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = hub_api.make_app(self)
        app.before_request(self._before)
        app.after_request(self._after)
        self._server = make_server("127.0.0.1", self.port, app, threaded=True)
        # Accepted sockets inherit this size, so no system buffers a whole upload on this side.
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        # The port is closed only when the thread has ended.
        self._thread.join()

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    def token(self, user: str = "user", role: str = "write") -> str:
        """Creates a token of a user. The role is `"write"`, `"read"` or, if invalid, `"wrong"`."""
        token = _new_token()
        self.tokens[token] = (user, role)
        return token

    def repo(self, name: str = "user/name", private: bool = False) -> Repo:
        """Returns the repository of this name, and creates it if there is none."""
        return self.repos.setdefault(name, Repo(name, private))

    def inject(self, fault: Fault) -> None:
        self.faults.append(fault)

    def sent(self, endpoint: str) -> list[Request]:
        """Returns the requests to an endpoint since the last `reset()`."""
        return [request for request in self.requests if request.endpoint == endpoint]

    def caller(self) -> tuple[str | None, str | None]:
        """Returns the user and the role of the current request."""
        header = flask.request.headers.get("Authorization")
        if header is None:
            return None, None
        user, role = self.tokens[header.removeprefix("Bearer ")]
        if role == "wrong":
            raise Refused(401, "Invalid credentials in Authorization header")
        return user, role

    def open(self, name: str, write: bool = False) -> Repo:
        """Returns a repository if the caller may see it, and change it if `write` is set."""
        user, role = self.caller()
        repo = self.repos.get(name)
        hidden = repo is None or (repo.private and user != repo.owner)
        if user is None and (hidden or write):
            raise Refused(401, "Invalid username or password.")
        if hidden:
            raise Refused(404, "Repository not found", "RepoNotFound")
        if write and role != "write":
            raise Refused(403, _READ_ONLY)
        if write and user != repo.owner and "create_pr" not in flask.request.args:
            raise Refused(403, _FOREIGN)
        return repo

    def _before(self) -> tuple | None:
        request = flask.request
        endpoint = request.endpoint or "unknown"
        flask.g.fault = fault = self._take_fault(endpoint, request.method)
        if fault is not None and fault.slow and request.content_length:
            _read_slowly(request, fault.slow)
        # An unread body would break the connection before the answer.
        size = len(request.get_data())
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        role = self.tokens[token][1] if token else None
        self.requests.append(Request(endpoint, request.method, request.full_path, role, size))
        if fault is None:
            return None
        time.sleep(fault.delay)
        if fault.call is not None:
            fault.call()
        if fault.silent:
            self._released.wait(_LONGEST_SILENCE)
            return {"error": "Nobody waits for this answer"}, 503
        if fault.status is None or fault.too_late:
            return None
        return {"error": "Something went wrong"}, fault.status, fault.headers

    def _after(self, response: flask.Response) -> flask.Response:
        fault = flask.g.fault
        if fault is not None and fault.too_late:
            return flask.make_response({"error": "The answer is lost"}, fault.status)
        if fault is not None and fault.damage is not None:
            response.direct_passthrough = False
            # The announced length is kept, so a shorter body is a broken connection.
            response.response = [fault.damage(response.get_data())]
        if fault is not None and fault.slow and not flask.request.content_length:
            response.direct_passthrough = False
            response.response = _in_pieces(response.get_data(), fault.slow)
        return response

    def _take_fault(self, endpoint: str, method: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                # A HEAD request has no bytes to damage.
                if fault.endpoint == endpoint and not (fault.damage and method == "HEAD"):
                    fault.times -= 1
                    self.faults = [fault for fault in self.faults if fault.times > 0]
                    return fault
        return None


def _read_slowly(request: flask.Request, seconds: float) -> None:
    pieces = []
    for _ in range(_PIECES):
        pieces.append(request.stream.read(-(-request.content_length // _PIECES)))
        time.sleep(seconds / _PIECES)
    request.environ["wsgi.input"] = io.BytesIO(b"".join(pieces))
    del request.stream


def _in_pieces(content: bytes, seconds: float) -> Iterator[bytes]:
    step = -(-len(content) // _PIECES)
    for start in range(0, len(content), step):
        time.sleep(seconds / _PIECES)
        yield content[start : start + step]


def _new_token() -> str:
    return f"hf_{secrets.token_hex(17)}"
