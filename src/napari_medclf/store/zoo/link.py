"""Ask servers for files: https only, also after a redirect, and every refusal a sentence."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from napari_medclf.domain.errors import ServerError

_HERE = ("localhost", "127.0.0.1", "::1")
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_NOTHING_LEFT = 416
_OFFLINE = "Without a network, install from a folder or zip file, or name a mirror with --mirror."


class PassingError(ServerError):
    """A failure that may be gone at the next try."""


class NothingLeftError(ServerError):
    """A server has no bytes from the place where a download was to go on."""


def is_allowed(url: str) -> bool:
    """Whether files may come from there: by https, or from a server on this computer.

    >>> is_allowed("https://example.org/a.zip"), is_allowed("http://example.org/a.zip"), is_allowed("file:///etc/passwd")
    (True, False, False)
    """
    try:
        parts = urlsplit(url)
        is_here = parts.scheme == "http" and parts.hostname in _HERE
        return bool(parts.hostname) and (parts.scheme == "https" or is_here)
    except ValueError:
        return False


def open_url(url: str, headers: Mapping[str, str], timeout_s: float) -> HTTPResponse:
    """Ask for a file; proxies of the environment are used.

    Parameters
    ----------
    timeout_s : float
        Longest silence of the server.

    Raises
    ------
    PassingError
        If it is worth another try.
    NothingLeftError
        If a range was asked for that the file does not have.
    ServerError
        If it cannot be had from there.
    """
    if not is_allowed(url):
        raise ServerError(f"{url}: models are downloaded by https only.")
    request = Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "napari-medclf", **headers})  # noqa: S310  (checked above)
    try:
        response: HTTPResponse = build_opener(_Redirects()).open(request, timeout=timeout_s)
    except HTTPError as error:
        raise _refusal(url, error) from error
    except (OSError, HTTPException, ValueError) as error:
        raise explain(url, error) from error
    if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        response.close()
        raise ServerError(f"{url}: the server sent a web page in place of the file; it may ask for a login there.")
    return response


def explain(url: str, error: Exception) -> ServerError:
    """Turn what the network layer raised into a sentence, worth another try or not."""
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(reason, ServerError):
        return reason
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ServerError(f"{url}: the server's certificate cannot be trusted ({reason.verify_message}).")
    if isinstance(reason, socket.gaierror | ConnectionRefusedError):
        return ServerError(f"{url}: the server cannot be reached ({_say(reason)}). {_OFFLINE}")
    if isinstance(reason, TimeoutError):
        return PassingError(f"{url}: the server did not answer in time. Try again; what was downloaded is kept.")
    if isinstance(reason, OSError | HTTPException):
        return PassingError(f"{url}: the connection broke ({_say(reason)}). Try again; what was downloaded is kept.")
    return ServerError(f"{url}: cannot be asked for ({_say(reason)}).")


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to places that are allowed."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Refuse to leave https."""
        if not is_allowed(newurl):
            raise ServerError(f"{req.full_url}: the server sends on to {newurl}; models are downloaded by https only.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refusal(url: str, error: HTTPError) -> ServerError:
    if error.code == _NOTHING_LEFT:
        return NothingLeftError(f"{url}: the server has no such part of the file.")
    if error.code in _PASSING:
        return PassingError(f"{url}: the server is busy or ill ({error.code}). Try again later.")
    if error.code in (401, 403):
        return ServerError(f"{url}: the server refuses to give the file ({error.code}). {_OFFLINE}")
    if error.code in (404, 410):
        return ServerError(f"{url}: the server has no such file ({error.code}). {_OFFLINE}")
    return ServerError(f"{url}: the server answered {error.code} in place of the file. {_OFFLINE}")


def _say(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:120]
