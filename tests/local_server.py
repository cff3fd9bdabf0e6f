"""A web server on this machine, for the tests of downloads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What a path answers: `body`, whose announced length may be another one, or missing."""

    body: bytes
    length: int | None
    hang: bool = False


@dataclass
class Server:
    """The address of a running server, its files by name, and the paths asked for so far."""

    url: str
    files: dict[str, bytes | Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Run a server while the block runs; a name that is not in its `files` is a 404."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append(self.path)
            answer = server.files.get(self.path.split("?")[0].removeprefix("/"))
            if answer is None:
                self.send_error(404, "Not Found")
                return
            if isinstance(answer, bytes):
                answer = Answer(answer, len(answer))
            self.send_response(200)
            if answer.length is not None:
                self.send_header("Content-Length", str(answer.length))
            self.end_headers()
            # The client may have given up before.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(answer.body)
                self.wfile.flush()
            if answer.hang:
                over.wait(30)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        server = Server(f"http://127.0.0.1:{httpd.server_port}/")
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            over.set()
            httpd.shutdown()
            thread.join()
