"""A server that speaks the hub's protocol as its client uses it, and serves plain files too."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: an error's code; 0 for none.
        code: the hub's `X-Error-Code` beside it.
        cut: the connection closes after so many bytes of the body.
        stall: whether silence follows `cut` bytes until the test ends, and no closed connection.
        extra: bytes sent beyond the end, with no length announced.
        location: where to redirect to.
    """

    status: int = 0
    code: str = ""
    cut: int | None = None
    stall: bool = False
    extra: int = 0
    location: str = ""


class Hub:
    """What is served, what shall go wrong, and what was asked for.

    Files of the hub are kept by the path of their resolve address, plain ones by their own.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()

    def reset(self) -> None:
        self.ended = threading.Event()
        self.files: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def add(self, repo: str, file: str, content: bytes, repo_type: str = "model") -> str:
        """Serve a large file of a repository as the hub does: by redirect to its content."""
        folder = {"model": "", "space": "spaces/", "dataset": "datasets/"}[repo_type]
        path = f"/{folder}{repo}/resolve/{REVISION}/{file}"
        self.files[path] = content
        self.blobs[f"/blobs/{hashlib.sha256(content).hexdigest()}"] = content
        return path

    def gets(self) -> list[str]:
        """The paths of all GET requests."""
        return [path for method, path, _ in self.asked if method == "GET"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        hub = self.hub
        hub.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        fault = hub.faults[self.path].pop(0) if hub.faults[self.path] else Fault()
        if fault.location:
            self.begin(302, {"Location": fault.location})
        elif fault.status:
            headers = {"X-Error-Code": fault.code} if fault.code else {}
            self.begin(fault.status, headers)
        elif "/resolve/" in self.path and self.path in hub.files:
            content = hub.files[self.path]
            digest = hashlib.sha256(content).hexdigest()
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{digest}"'}
            # Content lies on another host: the client follows the hub's own redirects further.
            store = hub.url.replace("127.0.0.1", "localhost")
            commit = {"X-Repo-Commit": REVISION, "Location": f"{store}/blobs/{digest}"}
            self.begin(302, {**linked, **commit})
        elif (content := (hub.files | hub.blobs).get(self.path, b"")) and body:
            self.send(content, fault)
        elif content:
            self.begin(200, {}, len(content))
        else:
            self.begin(404, {"X-Error-Code": "EntryNotFound"} if "/resolve/" in self.path else {})

    def begin(self, status: int, headers: dict[str, str], length: int | None = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def send(self, content: bytes, fault: Fault) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range", tag) == tag:
            start = int(asked[1])
        if asked and start >= len(content):
            return self.begin(416, {"Content-Range": f"bytes */{len(content)}"})
        headers = {"ETag": tag}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if fault.extra:
            headers["Connection"] = "close"
        length = None if fault.extra else len(content) - start
        self.begin(206 if start else 200, headers, length)
        part = content[start:] + b"x" * fault.extra
        try:
            self.wfile.write(part[: fault.cut])
            if fault.cut is not None or fault.extra:
                self.wfile.flush()
                if fault.stall and not self.hub.ended.wait(300):
                    self.hub.reset()  # to a client that waits for ever, nothing is served
                self.close_connection = True
        except OSError:
            self.close_connection = True  # the client has gone


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    Handler.hub = Hub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Handler.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
