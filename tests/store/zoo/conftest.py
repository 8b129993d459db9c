"""A web server on this computer that behaves as badly as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Site:
    """What the server has and how it answers.

    Parameters
    ----------
    files : dict
        Path to content.
    cuts : list of int
        The next answers break after so many bytes of their body.
    failures : list of int
        The next answers are these status codes.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    cuts: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    takes_ranges: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and range of each request."""
    silence: threading.Event = field(default_factory=threading.Event)
    """Set by a test to let a silent server go on."""
    is_silent_after: int | None = None

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    shown = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(shown))
    server.daemon_threads = True
    shown.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield shown
    shown.silence.set()
    server.shutdown()
    server.server_close()


def _handler(site: Site) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            path, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
            site.asked.append((path, wanted))
            if site.failures:
                self.send_error(site.failures.pop(0))
            elif path in site.moved:
                self.send_response(302)
                self.send_header("Location", site.moved[path])
                self.end_headers()
            elif path not in site.files:
                self.send_error(404)
            else:
                self._send(site.files[path], wanted)

        def _send(self, content: bytes, wanted: str) -> None:
            start = 0
            is_same = self.headers.get("If-Range", "") in site.headers.values()
            if wanted and is_same and site.takes_ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            if site.is_silent_after is not None:
                self.wfile.write(body[: site.is_silent_after])
                self.wfile.flush()
                site.silence.wait(30)
                return
            self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)

    return Handler
