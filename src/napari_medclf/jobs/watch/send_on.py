"""Send results on to an archive: once each, later where it cannot be reached now, also after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import MedclfError, OptionError
from napari_medclf.domain.events import Job, Noted, Warned
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.jobs.watch.state import ServiceState

DICOM_FORMATS = ("dicom-seg", "dicom-labelmap", "dicom-sr", "rtstruct")
_DEFAULT = {Task.SEGMENT: "dicom-seg", Task.INSTANCES: "dicom-seg"}
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 600.0
_MOST_REFUSALS = 5


@dataclass(frozen=True)
class _Result:
    """A file of a case."""

    name: str
    sha256: str


class SendOn:
    """What is to be sent to one server, and when it is tried again.

    Parameters
    ----------
    server : str
        Name or address.
    out : Path
        The run's folder.
    """

    def __init__(self, server: str, out: Path, state: ServiceState) -> None:
        self._server, self._out, self._state = server, out, state
        self._sent = state.sent(server)
        self._due: dict[_Result, int] = {}
        self._next_s, self._wait_s = 0.0, _FIRST_WAIT_S

    @property
    def n_due(self) -> int:
        """How many files wait to be sent."""
        return len(self._due)

    def add(self, records: Iterable[CaseRecord]) -> None:
        """Take in the DICOM files of cases that are done, unless the server has them."""
        for record in records:
            if record.status is not CaseStatus.DONE:
                continue
            for name, sha256 in record.outputs.items():
                if name.endswith(".dcm") and (name, sha256) not in self._sent:
                    self._due.setdefault(_Result(name, sha256), 0)

    def is_time(self, now_s: float) -> bool:
        """Whether there is something to send, and the server was left alone for long enough."""
        return bool(self._due) and now_s >= self._next_s

    def send(self, now_s: float) -> Job[None]:
        """Try once to send all that waits; what the server does not take is tried again, and told."""
        from napari_medclf.jobs.pacs.send import deliver

        due = {self._out / one.name: one for one in self._due}
        try:
            delivered = yield from deliver(self._server, tuple(due))
        except (MedclfError, OSError) as error:
            yield Warned(f"Results cannot be sent now: {error} It is tried again in {self._wait_s:.0f} s.")
            self._put_off(now_s)
            return
        n_refused = 0
        for path, reason in delivered.items():
            result = due[path]
            if not reason:
                self._took(result)
                continue
            n_refused += 1
            yield Warned(f"{result.name} was not sent: {reason}.{self._count(result)}")
        if n_refused < len(delivered):
            yield Noted(f"{len(delivered) - n_refused} results sent on")
        self._put_off(now_s) if n_refused else self._be_quick()

    def _took(self, result: _Result) -> None:
        self._state.note_sent(self._server, result.name, result.sha256)
        self._sent.add((result.name, result.sha256))
        del self._due[result]

    def _count(self, result: _Result) -> str:
        self._due[result] += 1
        if self._due[result] < _MOST_REFUSALS:
            return f" It is tried again in {self._wait_s:.0f} s."
        del self._due[result]
        return " It is tried again when the service starts again."

    def _put_off(self, now_s: float) -> None:
        self._next_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)

    def _be_quick(self) -> None:
        self._next_s, self._wait_s = 0.0, _FIRST_WAIT_S


def formats_to_send(formats: tuple[str, ...], task: Task) -> tuple[str, ...]:
    """Choose formats of which something can be sent.

    Raises
    ------
    OptionError
        If formats were named and none of them is DICOM.
    """
    if any(one in DICOM_FORMATS for one in formats):
        return formats
    if formats != ("auto",):
        raise OptionError(
            f"--send-to sends DICOM files, and --format {','.join(formats)} writes none. Add one of "
            f"{', '.join(DICOM_FORMATS)}."
        )
    return ("auto", _DEFAULT.get(task, "dicom-sr"))
