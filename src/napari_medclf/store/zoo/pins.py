"""Hold downloads to their published digests, and to those of their first download here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.store.zoo.entry import ZooFile

_CHUNK = 4 * 2**20
_PINS = "downloaded.json"


def check_file(path: Path, file: ZooFile, user_folder: Path) -> Job[str]:
    """Compare a file with what its author published; returns its SHA-256.

    Where no SHA-256 is published, that of the first download is written down in the person's folder, and any later
    download must be the same.

    Raises
    ------
    CardError
        If it is another file.
    """
    sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
    n_done, total = 0, path.stat().st_size
    with path.open("rb") as read:
        while chunk := read.read(_CHUNK):
            sha256.update(chunk)
            sha1.update(chunk)
            n_done += len(chunk)
            yield Progress(n_done, total, f"checking {file.path}")
    found = sha256.hexdigest()
    _compare(path, "SHA-256", found, file.sha256, "what its author published")
    _compare(path, "SHA-1", sha1.hexdigest(), file.sha1, "what its author published")
    if not file.sha256:
        _compare(path, "SHA-256", found, _read(user_folder).get(file.url, ""), "what was downloaded the first time")
        _pin(user_folder, file.url, found)
    return found


def _compare(path: Path, kind: str, found: str, wanted: str, what: str) -> None:
    if wanted and found != wanted:
        raise CardError(
            f"{path.name}: is not {what} ({kind} {found[:12]}..., expected {wanted[:12]}...), and was not installed. "
            "Try again; if that repeats, ask whoever offers it."
        )


def _pin(user_folder: Path, url: str, sha256: str) -> None:
    known = _read(user_folder)
    if url not in known:
        content = json.dumps({"schema_version": 1, "sha256": known | {url: sha256}}, indent=1)
        atomic_write(user_folder / _PINS, content + "\n")


def _read(user_folder: Path) -> dict[str, str]:
    try:
        content = json.loads((user_folder / _PINS).read_bytes())
        return {str(url): str(digest) for url, digest in content["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
