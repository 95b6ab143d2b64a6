"""A web server on loopback that serves bytes, counts what it sends, and misbehaves when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Web:
    """What is served, by path; ``statuses`` answers a path with an error.

    Attributes:
        broken_after: an answer breaks off after so many bytes.
        broken_times: only so many answers do.
        unknown_total: a range is sent without the size of the whole.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etag: str = '"1"'
    broken_after: int | None = None
    broken_times: int | None = None
    unknown_total: bool = False
    sent: int = 0
    asked: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].lstrip("/")
            web.asked.append(self.path)
            web.authorizations.append(self.headers.get("Authorization"))
            if path in web.redirects:
                self.send_response(301)
                self.send_header("Location", web.redirects[path])
                self.end_headers()
                return
            if path in web.statuses or path not in web.files:
                self.send_error(web.statuses.get(path, 404))
                return
            data = web.files[path]
            begin, end, status = 0, len(data), 200
            same = self.headers.get("If-Range", web.etag) == web.etag
            if web.ranges and same and (asked := self.headers.get("Range")):
                first, _, last = asked.removeprefix("bytes=").partition("-")
                begin, end, status = int(first), min(int(last or len(data)) + 1, len(data)), 206
                if begin >= len(data):
                    self.send_error(416)
                    return
            self.send_response(status)
            if status == 206:
                total = "*" if web.unknown_total else len(data)
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{total}")
            self.send_header("ETag", web.etag)
            self.send_header("Content-Length", str(end - begin))
            self.end_headers()
            body = data[begin:end]
            if web.broken_after is not None and len(body) > web.broken_after and web.broken_times != 0:
                web.broken_times = web.broken_times and web.broken_times - 1
                body = body[: web.broken_after]
            try:
                self.wfile.write(body)
            except ConnectionError:
                return
            web.sent += len(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
