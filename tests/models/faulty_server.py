"""An HTTP server on this machine that behaves as badly as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """What the server gives, and how.

    content       the file
    break_after   for each connection in turn, after how many bytes it is cut; whole once the list is used up
    length        what the header says, if not the truth
    says_length   whether there is such a header at all
    ranges        whether it can go on from the middle
    status        answered in place of 200
    requested     the Range header of each request, as they came
    """

    content: bytes
    break_after: list[int] = field(default_factory=list)
    length: int | None = None
    says_length: bool = True
    ranges: bool = True
    status: int = 200
    requested: list[str | None] = field(default_factory=list)


@contextmanager
def serving(served: Served) -> Iterator[str]:
    """The address of a file on a server that lasts as long as the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.requested.append(asked)
            if served.status != 200:
                self.send_error(served.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.ranges else 0
            if start > len(served.content):
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if start else 200)
            if served.says_length:
                self.send_header("Content-Length", str(len(body) if served.length is None else served.length))
            self.end_headers()
            cut = served.break_after.pop(0) if served.break_after else len(body)
            self.wfile.write(body[:cut])

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/model.onnx"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
