"""Download a file with progress; what is there is kept after a stop, a kill or a broken line, and gone on from."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from napari_medclf.atomic import atomic_write, is_left_behind
from napari_medclf.domain.errors import ServerError, WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.store.zoo.link import NothingLeftError, PassingError, explain, open_url

_CHUNK = 2**18
_MOST_BYTES = 16 * 2**30
_LOOK_EVERY_S = 0.1
_PARTIAL = 206


@dataclass(frozen=True)
class Patience:
    """How long a server may be silent, and how often it is asked again without having sent a byte."""

    timeout_s: float = 20.0
    most_tries: int = 5
    first_wait_s: float = 1.0
    """Doubles with every try."""


DEFAULT_PATIENCE = Patience()


def download(url: str, target: Path, patience: Patience = DEFAULT_PATIENCE) -> Job[Path]:
    """Download a file; it appears under its name whole, or not at all.

    The network is asked on a thread, so a stop takes no longer than `_LOOK_EVERY_S`. What was received stays in
    ``<target>.part``, and the next try asks for the rest, if the server still has the same file.

    Raises
    ------
    ServerError
        If it cannot be had.
    WriteError
        If the disk is full or cannot be written, or another process downloads the same file.
    """
    part = target.with_name(f"{target.name}.part")
    with _claimed(target):
        transfer = _Transfer(url, part, patience)
        thread = threading.Thread(target=transfer.run, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_LOOK_EVERY_S)
                yield Progress(transfer.n_done, transfer.n_total, transfer.message or f"downloading {target.name}")
        finally:
            transfer.stop()
        if transfer.error is not None:
            raise transfer.error
        os.replace(part, target)
        _facts_path(part).unlink(missing_ok=True)
    return target


class _Transfer:
    """One file on its way; `run` is for a thread of its own, the rest may be read from any."""

    def __init__(self, url: str, part: Path, patience: Patience) -> None:
        self.n_done = 0
        self.n_total = 0
        self.message = ""
        self.error: Exception | None = None
        self._url, self._part, self._patience = url, part, patience
        self._stopped = threading.Event()
        self._writing = threading.Lock()

    def stop(self) -> None:
        """Let nothing be written from now on; the thread ends when the server speaks or its time is over."""
        with self._writing:
            self._stopped.set()

    def run(self) -> None:
        """Download until all is there, or there is no sense in trying again."""
        try:
            self._run()
        except OSError as error:
            self.error = WriteError(f"{self._part}: cannot be written ({error.strerror or error}).")
        except Exception as error:  # noqa: BLE001  (told by the thread that waits for this one)
            self.error = error

    def _run(self) -> None:
        n_tries = 0
        while not self._stopped.is_set():
            n_before = self.n_done
            try:
                self._fetch()
                break
            except (PassingError, NothingLeftError) as error:
                n_tries = 1 if self.n_done > n_before else n_tries + 1
                if n_tries >= self._patience.most_tries:
                    raise
                if isinstance(error, NothingLeftError):
                    self._start_over()
                else:
                    self._wait(self._patience.first_wait_s * 2 ** (n_tries - 1))

    def _wait(self, wait_s: float) -> None:
        self.message = f"the connection broke; trying again in {wait_s:.0f} s"
        self._stopped.wait(wait_s)
        self.message = ""

    def _fetch(self) -> None:
        self.n_done = self._part.stat().st_size if self._part.is_file() else 0
        facts = _read_facts(self._part, self._url)
        if facts is None or self.n_done == 0:
            self._start_over()
        elif self.n_done == facts.n_bytes:  # a kill came between the last byte and the file's name
            return
        headers = {} if self.n_done == 0 or facts is None else _ask_for_rest(self.n_done, facts)
        with open_url(self._url, headers, self._patience.timeout_s) as response:
            if response.status != _PARTIAL:
                self._start_over()
            elif not _goes_on(response, self.n_done):
                raise NothingLeftError(f"{self._url}: the server sent another part of the file than it was asked for.")
            length = response.headers.get("Content-Length", "")
            self.n_total = self.n_done + int(length) if length.isdigit() else 0
            _write_facts(self._part, self._url, response, self.n_total)
            self._check_room()
            self._receive(response)

    def _receive(self, response: HTTPResponse) -> None:
        # Without a buffer: what it held would be written at the end of the thread, long after a stop.
        with self._part.open("ab", buffering=0) as file:
            while chunk := self._read(response):
                with self._writing:
                    if self._stopped.is_set():
                        return
                    n_written = file.write(chunk)
                    self.n_done += n_written
                if n_written < len(chunk):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                if self.n_done > _MOST_BYTES:
                    raise ServerError(f"{self._url}: sends more than {_MOST_BYTES // 2**30} GiB; that is no model.")
        if self.n_total and self.n_done < self.n_total:
            raise PassingError(f"{self._url}: the connection broke. Try again; what was downloaded is kept.")

    def _read(self, response: HTTPResponse) -> bytes:
        try:
            return response.read1(_CHUNK)
        except (OSError, HTTPException) as error:
            raise explain(self._url, error) from error

    def _start_over(self) -> None:
        with self._writing:
            if not self._stopped.is_set():
                self._part.unlink(missing_ok=True)
                _facts_path(self._part).unlink(missing_ok=True)
        self.n_done = 0

    def _check_room(self) -> None:
        left = self.n_total - self.n_done
        free = shutil.disk_usage(self._part.parent).free
        if left > free or self.n_total > _MOST_BYTES:
            raise WriteError(
                f"{self._part.parent}: {left / 1e6:.0f} MB are to come, and {free / 1e6:.0f} MB are free on the disk."
            )


@dataclass(frozen=True)
class _Facts:
    """What tells whether the server still has the file that was begun, and how long that is (0: not known)."""

    version: str
    n_bytes: int


def _ask_for_rest(n_done: int, facts: _Facts) -> dict[str, str]:
    return {"Range": f"bytes={n_done}-", "If-Range": facts.version}


def _goes_on(response: HTTPResponse, n_done: int) -> bool:
    """Whether a partial answer begins where the file ends."""
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {n_done}-")


def _facts_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_facts(part: Path, url: str) -> _Facts | None:
    try:
        facts = json.loads(_facts_path(part).read_bytes())
        found = _Facts(str(facts["version"]), int(facts["n_bytes"]))
        return found if facts["url"] == url and found.version else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_facts(part: Path, url: str, response: HTTPResponse, n_bytes: int) -> None:
    tag = response.headers.get("ETag", "")
    # RFC 9110, 13.1.5: a weak tag must not be used to ask for the rest of a file.
    version = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    atomic_write(_facts_path(part), json.dumps({"url": url, "version": version, "n_bytes": n_bytes}))


@contextmanager
def _claimed(target: Path) -> Iterator[None]:
    """Keep other processes from the same file while it is on its way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    ours = target.with_name(f"{target.name}.claim-{os.getpid()}")
    for other in target.parent.glob(f"{target.name}.claim-*"):
        if other != ours and not is_left_behind(other):
            raise WriteError(f"{target}: is being downloaded by another process; wait for it, or stop it.")
        with suppress(OSError):
            other.unlink()
    ours.touch()
    try:
        yield
    finally:
        ours.unlink(missing_ok=True)
