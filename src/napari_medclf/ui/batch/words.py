"""Numbers of a run in words: how many, how long, how much memory."""

from __future__ import annotations

from collections.abc import Mapping

from napari_medclf.domain.run import CaseStatus

_TOLD = {
    CaseStatus.DONE: "done",
    CaseStatus.FAILED: "failed",
    CaseStatus.SKIPPED: "not run",
}


def counts_text(counts: Mapping[CaseStatus, int]) -> str:
    """Say how many cases of a run have ended, and how.

    >>> counts_text({CaseStatus.DONE: 1204, CaseStatus.FAILED: 3, CaseStatus.PENDING: 793})
    '1,204 done, 3 failed, 793 to go'
    """
    parts = [f"{counts[status]:,} {word}" for status, word in _TOLD.items() if counts.get(status)]
    n_left = counts.get(CaseStatus.PENDING, 0) + counts.get(CaseStatus.RUNNING, 0)
    return ", ".join([*parts, *([f"{n_left:,} to go"] if n_left else [])]) or "nothing to do"


def duration_text(duration_s: float) -> str:
    """Write how long something takes, roughly.

    >>> [duration_text(one) for one in (0.2, 7.4, 200, 8000, 201_600)]
    ['0.2 s', '7 s', '3 min', '2 h 13 min', '2 d 8 h']
    """
    if duration_s < 1:
        return f"{duration_s:.1f} s"
    if duration_s < 90:
        return f"{duration_s:.0f} s"
    minutes = round(duration_s / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 36:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def bytes_text(n_bytes: float) -> str:
    """Write an amount of memory.

    >>> bytes_text(3_400_000), bytes_text(2 * 1024**3)
    ('3 MiB', '2.0 GiB')
    """
    mebi = n_bytes / 1024**2
    return f"{mebi:.0f} MiB" if mebi < 1000 else f"{mebi / 1024:.1f} GiB"
