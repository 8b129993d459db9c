"""Send results, or any DICOM files, to a server, and make sure that they are there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError, ServerError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.pacs import Delivery
from napari_medclf.jobs.pacs.echo import SERVER_HELP
from napari_medclf.jobs.pacs.follow import ask, follow, linked

if TYPE_CHECKING:
    from napari_medclf.io.pacs.link import Link
    from napari_medclf.io.pacs.outgoing import Outgoing


@dataclass(frozen=True)
class SendOptions:
    """What is sent where."""

    server: str = option(help=SERVER_HELP, positional=True)
    paths: tuple[Path, ...] = option(help="DICOM files: segmentations, reports, images; or folders", positional=True)
    verify: bool = option(False, help="fetch each object again and compare every element")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class SentObject:
    """One object that was sent.

    Parameters
    ----------
    reason : str
        Why it is not there; empty when the server took it and lists it.
    notes : tuple of str
        What the server changed or warned of.
    is_listed : bool
        Whether the server lists it now.
    is_same : bool or None
        Whether it comes back with every element as it was; None when that was not looked at.
    """

    path: Path
    sop_uid: str
    modality: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    is_listed: bool = False
    is_same: bool | None = None


@dataclass(frozen=True)
class Sent:
    """What became of every file: of objects, and of files that were not even sent with their reasons."""

    server: str
    objects: tuple[SentObject, ...]
    refused: tuple[tuple[Path, str], ...] = ()


def send(options: SendOptions) -> Job[Sent]:
    """Send files one after the other, then ask the server whether it lists each.

    Raises
    ------
    ServerError
        If the server cannot be reached or refuses us, as one sentence, before anything was sent.
    """
    from napari_medclf.io.pacs.outgoing import find_outgoing

    with linked(options.server) as (server, link):
        for warning in server.warnings:
            yield Warned(warning)
        files, refusals = yield from ask(lambda: find_outgoing(options.paths), link, "looking at the files")
        for error in refusals:
            yield CaseFailed(error.path.name, error.path, f"{error.reason}. {error.hint}".strip())
        sent = yield from _send_all(link, files)
        objects: list[SentObject] = []
        for position, one in enumerate(sent):
            yield Progress(position, len(sent), "asking whether they are there")
            checked = one if one.reason else (yield from _check(link, files[position], one, options.verify))
            if checked.reason:
                yield CaseFailed(checked.sop_uid, checked.path, checked.reason)
            objects.append(checked)
        return Sent(str(server), tuple(objects), tuple((error.path, error.reason) for error in refusals))


def _send_all(link: Link, files: tuple[Outgoing, ...]) -> Job[list[SentObject]]:
    told: dict[str, Delivery] = {}

    def on_delivery(delivery: Delivery) -> Progress:
        told[delivery.sop_uid] = delivery
        return Progress(len(told), len(files), "sending")

    broken = "it was not sent"
    try:
        yield from follow(lambda tell: link.send(files, tell), link, on_delivery, Progress(0, len(files), "sending"))
    except ServerError as error:
        if not told:
            raise
        broken = f"it was not sent: {error}"
    return [_result_of(one, told.get(one.row.sop_uid), broken) for one in files]


def _result_of(one: Outgoing, delivery: Delivery | None, broken: str) -> SentObject:
    if delivery is None:
        return SentObject(one.path, one.row.sop_uid, one.modality, reason=broken)
    notes = (delivery.note,) if delivery.note else ()
    return SentObject(one.path, one.row.sop_uid, one.modality, delivery.reason, notes)


def _check(link: Link, one: Outgoing, sent: SentObject, is_compared: bool) -> Job[SentObject]:
    row = one.row
    try:
        found = yield from ask(
            lambda: link.find_instances(row.study_uid, row.series_uid, row.sop_uid),
            link,
            "asking whether they are there",
        )
        if row.sop_uid not in [listed.sop_uid for listed in found]:
            return replace(sent, reason="the server took it, but does not list it")
        sent = replace(sent, is_listed=True)
        if not is_compared:
            return sent
        difference = yield from ask(_comparison(link, one), link, "comparing what comes back")
    except (MedclfError, OSError) as error:
        return replace(sent, reason=f"the server took it, but it could not be looked up again: {error}")
    notes = (*sent.notes, difference) if difference else sent.notes
    return replace(sent, is_same=not difference, notes=notes)


def _comparison(link: Link, one: Outgoing) -> Callable[[], str]:
    from napari_medclf.io.pacs.compare import explain_difference
    from napari_medclf.io.pacs.inbox import Inbox

    def compare() -> str:
        with tempfile.TemporaryDirectory(prefix="medclf-") as folder:
            inbox = Inbox(Path(folder), (one.row,))
            link.fetch(inbox, inbox.wanted, lambda arrival: None)
            returned = inbox.path_of(one.row.sop_uid)
            if not returned.exists():
                raise ServerError("The server does not give it back.")
            return explain_difference(one.path, returned)

    return compare
