"""The parts of a multipart answer one after the other, as they arrive (RFC 2046 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from napari_medclf.domain.errors import ServerError

_MOST_HEADER = 2**16
_BROKE_OFF = "The server broke off in the middle of its answer."


def read_parts(chunks: Iterable[bytes], boundary: bytes) -> Iterator[Iterator[bytes]]:
    """Give the body of each part as pieces; no part is ever held in memory as a whole.

    What a caller leaves of a part is passed over before the next.

    Raises
    ------
    ServerError
        If the answer ends before its closing boundary: then something is missing.
    """
    source = _Source(chunks)
    mark = b"--" + boundary
    source.skip_past(mark)
    while source.take(2) != b"--":
        source.push_back()
        source.skip_past(b"\r\n\r\n")
        body = source.until(b"\r\n" + mark)
        yield body
        for _ in body:
            pass


class _Source:
    """Bytes that come in chunks, searched for marks that may lie across two of them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._data = bytearray()
        self._taken = b""

    def take(self, n_bytes: int) -> bytes:
        while len(self._data) < n_bytes:
            self._more()
        self._taken = bytes(self._data[:n_bytes])
        del self._data[:n_bytes]
        return self._taken

    def push_back(self) -> None:
        self._data[:0] = self._taken

    def skip_past(self, mark: bytes) -> None:
        while (at := self._data.find(mark)) < 0:
            if len(self._data) > _MOST_HEADER:
                raise ServerError("The server sent an answer whose parts have no proper headers.")
            self._more()
        del self._data[: at + len(mark)]

    def until(self, mark: bytes) -> Iterator[bytes]:
        while (at := self._data.find(mark)) < 0:
            sure = len(self._data) - len(mark) + 1
            if sure > 0:
                piece = bytes(self._data[:sure])
                del self._data[:sure]
                yield piece
            self._more()
        piece = bytes(self._data[:at])
        del self._data[: at + len(mark)]
        if piece:
            yield piece

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise ServerError(_BROKE_OFF)
        self._data += chunk
