"""A real HTTP server on loopback that speaks as much of the OpenAI protocol as a test scripts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Say:
    """An answer to one request: a chat completion with this text, or with ``status`` an error."""

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    body: str | None = None
    after_s: float = 0.0
    tool: bool = False
    kind: str = "application/json"
    message: Mapping[str, Any] | None = None

    def payload(self) -> str:
        """Return the body of the response."""
        if self.body is not None:
            return self.body
        if self.status != 200:
            return json.dumps({"error": {"message": self.text or "no", "type": "error"}})
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tool:
            custom = {"name": "falconql", "input": self.text}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "custom", "custom": custom}],
            }
        message |= self.message or {}
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return json.dumps(
            {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        )


Answers = Callable[[dict[str, Any]], Say]


@dataclass
class Server:
    """What is running: its base URL, the requests it got, and the models it lists, or what it lists instead.

    ``listed`` is how often it was asked for its models.
    """

    answers: Answers
    models: Sequence[tuple[str, str]] = (("m", "me"),)
    listing: Say | None = None
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    listed: int = 0


@contextmanager
def serving(
    answers: Answers | Sequence[Say],
    *,
    models: Sequence[tuple[str, str]] = (("m", "me"),),
    listing: Say | None = None,
) -> Iterator[Server]:
    """Run a server that answers requests by a function, or one after the other, the last one for ever."""
    script = answers if callable(answers) else _one_after_the_other(answers)
    server = Server(script, models, listing)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.listed += 1
            data = [{"id": name, "object": "model", "created": 1, "owned_by": owner} for name, owner in server.models]
            self._send(server.listing or Say(body=json.dumps({"object": "list", "data": data})))

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.requests.append(request)
            self._send(server.answers(request))

        def _send(self, said: Say) -> None:
            time.sleep(said.after_s)
            data = said.payload().encode()
            try:
                self.send_response(said.status)
                self.send_header("content-type", said.kind)
                self.send_header("content-length", str(len(data)))
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                return  # the client waited no longer

        def log_message(self, *_: object) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listening.server_address[1]}/v1"
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def _one_after_the_other(answers: Sequence[Say]) -> Answers:
    left = list(answers)

    def answer(_: dict[str, Any]) -> Say:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer
