"""HTTP to a DICOMweb server: authenticated, with time limits, stoppable, failures as sentences."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from napari_medclf.domain.errors import ServerError
from napari_medclf.io.pacs.needs import require
from napari_medclf.io.pacs.secrets import find_secret
from napari_medclf.io.pacs.server import DicomWebServer, is_loopback

_CHUNK = 2**18
_MOST_JSON = 2**28
_ABOUT_ONE_OBJECT = (400, 409, 413, 415, 422, 500)
_STATUS_WORDS = {
    400: "does not understand the request",
    401: "asks for a password or token, or does not accept the one it got",
    403: "does not allow this",
    404: "knows nothing at this address",
    406: "cannot send this in a form that can be read here",
    409: "does not accept the object",
    413: "does not take objects of this size",
    415: "does not take this kind of object",
    501: "does not offer this",
    503: "is too busy now",
}


class WebSession:
    """One person's connection to one server; `abort` may come from another thread.

    Parameters
    ----------
    server : DicomWebServer
        Its certificate is checked; no redirect is followed, because it could lead patients' data elsewhere.

    Raises
    ------
    BackendUnavailable
        If a package of the extra ``pacs`` is missing.
    OptionError
        If the secret that the server names is not there.
    """

    def __init__(self, server: DicomWebServer) -> None:
        require("requests")
        import requests

        self.server = server
        self.requests = requests.Session()
        self.requests.trust_env = not is_loopback(server.host)
        self.requests.hooks["response"].append(self._refuse_redirect)
        if server.ca_file:
            self.requests.verify = server.ca_file
        secret = find_secret(server.secret, server.user)
        if server.user:
            self.requests.auth = (server.user, secret)
        elif secret:
            self.requests.auth = _Bearer(secret)
        self._stopped = threading.Event()
        self._answer: Any = None

    @contextmanager
    def stream(self, path: str, accept: str) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Fetch something piece by piece: headers of the answer, and its bytes."""
        # Images hardly shrink, and packing them costs a server more time than sending them.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        with self.telling(), self._call("GET", path, headers=headers) as answer:
            answer.raise_for_status()
            yield answer.headers, self._pieces(answer)

    def ask(self, path: str, filters: Mapping[str, str]) -> Any:
        """Fetch an answer in JSON; None where it is empty.

        Raises
        ------
        ServerError
            If it is no JSON, or larger than any list of studies.
        """
        # `*` and `?` stay as they are: Orthanc 1.10 looks for their codes, %2A and %3F, in the names.
        query = "&".join(f"{name}={quote(value, safe='*?,-')}" for name, value in filters.items() if value)
        content = bytearray()
        with self.stream(f"{path}?{query}", "application/dicom+json") as (_, pieces):
            for piece in pieces:
                content += piece
                if len(content) > _MOST_JSON:
                    raise ServerError(f"{self.server}: its answer does not end. Narrow the search.")
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            raise ServerError(f"{self.server}: answers something else than DICOMweb. Check the address.") from error

    def post(self, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send something; gives the status and the first megabyte of the answer.

        A status that is about this object alone is given too, so that the caller can name what was refused.
        """
        with self.telling(), self._call("POST", path, headers=headers, data=body) as answer:
            if answer.status_code not in _ABOUT_ONE_OBJECT:
                answer.raise_for_status()
            return answer.status_code, answer.raw.read(2**20, decode_content=True) or b""

    def abort(self) -> None:
        """End what is under way; a call that waits for its first byte is left to its time limit."""
        self._stopped.set()
        answer = self._answer
        if answer is not None:
            with suppress(Exception):  # it may just have ended by itself
                answer.raw.shutdown()

    def close(self) -> None:
        """Give the connections back."""
        self.requests.close()

    def check_stopped(self) -> None:
        """Refuse to go on after an abort.

        Raises
        ------
        ServerError
            Saying so.
        """
        if self._stopped.is_set():
            raise ServerError("Stopped.")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what HTTP libraries raise into one sentence that repeats nothing of the answer."""
        from requests import exceptions

        try:
            yield
        except exceptions.SSLError as error:
            raise ServerError(
                f"{self.server}: its certificate is not trusted. If it is one of your own house, give the "
                "certificates to trust with ?ca=FILE."
            ) from error
        except exceptions.Timeout as error:
            raise ServerError(f"{self.server}: did not answer within {self.server.timeout_s:g} s.") from error
        except exceptions.HTTPError as error:
            raise ServerError(f"{self.server}: {self._status_sentence(error)}") from error
        except exceptions.ConnectionError as error:
            raise ServerError(f"{self.server}: {_connection_words(error)}") from error
        except (exceptions.RequestException, OSError) as error:
            raise ServerError(f"{self.server}: broke off ({type(error).__name__}).") from error

    @contextmanager
    def _call(self, method: str, path: str, **more: Any) -> Iterator[Any]:
        self.check_stopped()
        limit = self.server.timeout_s
        answer = self.requests.request(
            method, f"{self.server.url}{path}", stream=True, timeout=(min(limit, 10.0), limit), **more
        )
        self._answer = answer
        try:
            yield answer
        finally:
            self._answer = None
            answer.close()

    def _pieces(self, answer: Any) -> Iterator[bytes]:
        for piece in answer.iter_content(_CHUNK):
            self.check_stopped()
            yield piece
        self.check_stopped()  # a shut-down socket ends like an answer

    def _refuse_redirect(self, answer: Any, *args: Any, **more: Any) -> None:
        if answer.is_redirect:
            answer.close()
            raise ServerError(f"{self.server}: sends its callers to another address. Give that address itself.")

    def _status_sentence(self, error: Any) -> str:
        code = error.response.status_code
        words = _STATUS_WORDS.get(code, "cannot do this now" if code >= 500 else "refuses the request")
        return f"{words} (HTTP {code})."


class _Bearer:
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _connection_words(error: BaseException) -> str:
    text = str(error)
    if "refused" in text:
        return "no server listens there (connection refused). Check the address and that the server runs."
    if "resolve" in text or "getaddrinfo" in text or "Name or service" in text:
        return "there is no machine of this name."
    if "unreachable" in text or "No route" in text:
        return "the network does not reach this machine."
    return "broke the connection off."
