"""Fetch series of a study into a folder; what is there and whole is not fetched again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import OptionError, ServerError
from napari_medclf.domain.events import CaseDone, CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.pacs import Arrival, SeriesRow, is_uid
from napari_medclf.jobs.pacs.echo import SERVER_HELP
from napari_medclf.jobs.pacs.follow import ask, follow, linked

if TYPE_CHECKING:
    from napari_medclf.io.pacs.inbox import Inbox
    from napari_medclf.io.pacs.link import Link

_LISTED = 3


@dataclass(frozen=True)
class GetOptions:
    """What is fetched, and where it goes."""

    server: str = option(help=SERVER_HELP, positional=True)
    study: str = option(help="UID of the study, as `medclf pacs find` lists it")
    series: tuple[str, ...] = option((), help="UIDs of series; without any, the whole study")
    out: Path | None = option(None, help="folder for the files; without one, `pacs` in this program's own folder")

    def __post_init__(self) -> None:
        check_options(self)
        for uid in (self.study, *self.series):
            if not is_uid(uid):
                raise OptionError(f"{uid!r} is no UID; it must be digits and dots, as `medclf pacs find` lists it.")


@dataclass(frozen=True)
class ReceivedSeries:
    """A series that was fetched.

    Parameters
    ----------
    n_asked, n_received, n_kept : int
        Objects that the server lists, that came now, and that were here before.
    problems : tuple of str
        Why objects are missing, or what came that nobody asked for, as sentences.
    """

    row: SeriesRow
    folder: Path
    n_asked: int = 0
    n_received: int = 0
    n_kept: int = 0
    problems: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every object that the server lists is here."""
        return 0 < self.n_asked == self.n_received + self.n_kept


@dataclass(frozen=True)
class Received:
    """All that was fetched; ``folder`` can be opened as any folder of images."""

    server: str
    protocol: str
    folder: Path
    series: tuple[ReceivedSeries, ...]


def get(options: GetOptions) -> Job[Received]:
    """Fetch series one after the other; one that fails does not end the others.

    A `CaseDone` with a `ReceivedSeries` follows each series, so that after a stop it is known what came.

    Raises
    ------
    ServerError
        If the server cannot be reached or refuses, as one sentence.
    OptionError
        If the study has no such series.
    """
    from napari_medclf.io.pacs.inbox import Inbox
    from napari_medclf.io.pacs.link import protocol_of
    from napari_medclf.store.catalogue import default_user_folder

    folder = options.out if options.out is not None else default_user_folder() / "pacs" / _short(options.study)
    with linked(options.server) as (server, link):
        for warning in server.warnings:
            yield Warned(warning)
        listed = yield from ask(lambda: link.find_series(options.study), link, f"asking {server}")
        received: list[ReceivedSeries] = []
        for row in _choose(listed, options):
            try:
                question = partial(link.find_instances, row.study_uid, row.series_uid)
                instances = yield from ask(question, link, "listing objects")
                inbox = Inbox(folder / _short(row.series_uid), tuple(instances))
                one = yield from _fetch_series(link, inbox, row)
            except (ServerError, OSError) as error:
                one = ReceivedSeries(row, folder / _short(row.series_uid), row.n_instances or 0, problems=(str(error),))
            if one.is_whole:
                for problem in one.problems:
                    yield Warned(problem)
            yield _event_of(one)
            received.append(one)
        return Received(str(server), protocol_of(server), folder, tuple(received))


def _choose(listed: list[SeriesRow], options: GetOptions) -> list[SeriesRow]:
    if not listed:
        raise ServerError("The server has no study of this UID.")
    unknown = set(options.series) - {row.series_uid for row in listed}
    if unknown:
        raise OptionError(
            f"The study has no series {sorted(unknown)[0]}. `medclf pacs find --level series` lists them."
        )
    return [row for row in listed if not options.series or row.series_uid in options.series]


def _fetch_series(link: Link, inbox: Inbox, row: SeriesRow) -> Job[ReceivedSeries]:
    missing = yield from ask(inbox.missing, link, "looking at what is here")
    total, problems = len(missing), []
    came: set[str] = set()
    what = f"{row.modality or 'series'} {row.number}".strip()

    def on_arrival(arrival: Arrival) -> Progress:
        if arrival.reason:
            problems.append(f"{arrival.sop_uid or 'An object'}: {arrival.reason}.")
        else:
            came.add(arrival.sop_uid)
        return Progress(len(came), total, f"receiving {what}")

    try:
        yield from follow(
            lambda tell: link.fetch(inbox, missing, tell), link, on_arrival, Progress(0, total, f"receiving {what}")
        )
    except ServerError as error:
        problems.append(str(error))
    lost = [one.sop_uid for one in missing if one.sop_uid not in came]
    if not inbox.wanted:
        problems.append("The server lists no object of it.")
    if lost and not problems:
        problems.append(f"The server did not send {len(lost)} of {total} objects, such as {lost[0]}.")
    return ReceivedSeries(
        row, inbox.folder, len(inbox.wanted), len(came), len(inbox.wanted) - total, _shortened(problems)
    )


def _event_of(one: ReceivedSeries) -> CaseDone | CaseFailed:
    if one.is_whole:
        return CaseDone(one.row.series_uid, one.folder, one)
    n_here = one.n_received + one.n_kept
    return CaseFailed(
        one.row.series_uid,
        one.folder,
        f"{n_here} of {one.n_asked} objects are here. {' '.join(one.problems)} Run it again to fetch the rest.",
    )


def _shortened(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - _LISTED
    return (*problems[:_LISTED], f"{more} more failed.") if more > 0 else tuple(problems)


def _short(uid: str) -> str:
    """Name of a folder that tells nothing and obeys nobody: a server may send any text as a UID."""
    return hashlib.sha256(uid.encode()).hexdigest()[:16]
