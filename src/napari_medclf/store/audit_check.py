"""Whether an audit trail is whole, and whether the project is still what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.store.audit import AUDIT, AuditEntry, AuditLog
from napari_medclf.store.audited_journal import line_sha256
from napari_medclf.store.digests import file_sha256

JOURNALS = ("journal.jsonl", "revisions.jsonl", "holdout.jsonl")
_FIRST = "0" * 64


@dataclass(frozen=True)
class AuditReport:
    """What was found.

    Parameters
    ----------
    head : str
        SHA-256 of the newest entry. Kept elsewhere, it proves later that no entry at the end was taken away.
    problems : tuple of str
        What a kill or a power cut cannot explain: somebody changed something.
    notes : tuple of str
        What an interrupted write leaves, or what is older than the trail.
    """

    entries: tuple[AuditEntry, ...]
    head: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed since it was written."""
        return not self.problems


def check_audit(folder: Path, head: str = "") -> AuditReport:
    """Verify the chain, every line of the journals that it stands for, and every file that it names.

    Parameters
    ----------
    folder : Path
        The project's.
    head : str
        SHA-256 of an entry that was noted earlier, or its first digits; it must be in the trail.

    Raises
    ------
    DatasetError
        If the trail cannot be read.
    """
    log = AuditLog(folder)
    lines = list(log.lines())
    entries = tuple(entry for _, entry in lines if entry is not None)
    problems, notes = list(_chain(lines)), []
    lost: list[AuditEntry] = []
    if not entries:
        notes.append(f"{folder}: has no audit trail yet; it begins with the next thing that is saved.")
    if head and not any(entry.sha256.startswith(head) for entry in entries):
        problems.append(f"{AUDIT}: the entry {head} that was noted earlier is not in it; entries were taken away.")
    for name in JOURNALS:
        content = _content(folder / name)
        announced = [entry for entry in entries if entry.journal == name]
        begun = announced[0].at_byte if announced else len(content)
        notes += [f"{name}: its first {begun} bytes are older than the audit trail and not covered by it."] * bool(
            begun
        )
        problems += _strange(name, content, announced, begun)
        problems += [_say(name, entry, "was taken out or changed") for entry in _missing(content, announced, True)]
        lost += _missing(content, announced, False)
    interrupted = "is not there: its write was interrupted, or somebody cut it off the end"
    notes += [_say(entry.journal, entry, interrupted) for entry in lost]
    problems += _files(folder, [entry for entry in entries if entry not in lost])
    return AuditReport(entries, entries[-1].sha256 if entries else "", tuple(problems), tuple(notes))


def _chain(lines: Iterable[tuple[int, AuditEntry | None]]) -> Iterator[str]:
    """Follow the hashes; a torn line was never acknowledged, and the next one follows the one before it."""
    before, n_before = _FIRST, 0
    for number, entry in lines:
        if entry is None:
            continue
        if entry.hashed() != entry.sha256:
            yield f"{AUDIT}, line {number}: was changed after it was written."
        if entry.prev != before or entry.n != n_before + 1:
            yield f"{AUDIT}, line {number}: does not follow the one before; entries were taken away or put in."
        before, n_before = entry.sha256, entry.n


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _strange(name: str, content: bytes, entries: list[AuditEntry], begun: int) -> Iterator[str]:
    """Tell of lines that nobody announced."""
    known, at = {entry.line_sha256 for entry in entries}, 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if at >= begun and line_sha256(line) not in known and _is_entry(line):
            yield f"{name}, line {number}: is not as it was written, or was put in by hand."
        at += len(line) + 1


def _missing(content: bytes, entries: list[AuditEntry], was_there: bool) -> Iterator[AuditEntry]:
    """Look for each line that was announced; yields those that are gone, or those that never came to the disk."""
    found = {line_sha256(line) for line in content.split(b"\n")}
    ends = [*(entry.at_byte for entry in entries[1:]), len(content)]  # how long the journal was seen afterwards
    for entry, seen_to in zip(entries, ends, strict=False):
        is_gone = seen_to >= entry.at_byte + entry.n_bytes
        if entry.line_sha256 not in found and is_gone == was_there:
            yield entry


def _say(name: str, entry: AuditEntry, what: str) -> str:
    return f"{name}: what entry {entry.n} of the audit trail announced ({entry.what} {entry.about}) {what}."


def _is_entry(line: bytes) -> bool:
    """Whether a line counts at all, and is not the half of one that an interrupted write left."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _files(folder: Path, entries: Iterable[AuditEntry]) -> Iterator[str]:
    for entry in entries:
        for name, digest in entry.files.items():
            path = folder / name
            if not path.is_file():
                yield f"{name}: is gone; entry {entry.n} of the audit trail speaks of it."
            elif file_sha256(path) != digest:
                yield f"{name}: was changed since entry {entry.n} of the audit trail."
