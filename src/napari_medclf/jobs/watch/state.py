"""What a service must know when it starts again: which units were dealt with as they are, and which files were sent."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_medclf.store.journal import Journal

HANDLED, SENT = "handled.jsonl", "sent.jsonl"


class Handled(BaseModel):
    """A unit was run or refused, and all that is in the ledger, and the ledger on the disk.

    Parameters
    ----------
    signature : str
        Of its files as they were.
    answered_by : str
        Of model and options, as in `CaseRecord`: with others it is dealt with anew.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["handled"] = "handled"
    unit: str
    signature: str
    answered_by: str


class SentFile(BaseModel):
    """A server took a result."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["sent"] = "sent"
    server: str
    name: str
    sha256: str


class ServiceState:
    """Two journals beside the ledger; what a kill tears at their ends is done again, and does no harm."""

    def __init__(self, out: Path, answered_by: str) -> None:
        self._handled, self._sent = Journal(out / HANDLED), Journal(out / SENT)
        self._answered_by = answered_by

    def handled(self) -> dict[str, str]:
        """Unit to the signature it had when it was dealt with, by this model and these options."""
        found: dict[str, str] = {}
        for raw in self._handled.entries():
            try:
                one = Handled.model_validate(raw)
            except ValidationError:  # torn into something that is JSON
                continue
            if one.answered_by == self._answered_by:
                found[one.unit] = one.signature
            else:
                found.pop(one.unit, None)
        return found

    def note_handled(self, unit: str, signature: str) -> None:
        """Remember a unit.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        self._handled.append(Handled(unit=unit, signature=signature, answered_by=self._answered_by))

    def sent(self, server: str) -> set[tuple[str, str]]:
        """Names and digests of the results that a server took."""
        found = set()
        for raw in self._sent.entries():
            try:
                one = SentFile.model_validate(raw)
            except ValidationError:
                continue
            if one.server == server:
                found.add((one.name, one.sha256))
        return found

    def note_sent(self, server: str, name: str, sha256: str) -> None:
        """Remember that a server took a result.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        self._sent.append(SentFile(server=server, name=name, sha256=sha256))
