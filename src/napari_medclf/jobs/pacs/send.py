"""Send results, or any DICOM files, to a server, and make sure that they are there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
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

_NOT_BACK = "The server does not give it back."


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
        objects = yield from _look_up(link, files, sent, options.verify)
        for one in objects:
            if one.reason:
                yield CaseFailed(one.sop_uid, one.path, one.reason)
        return Sent(str(server), tuple(objects), tuple((error.path, error.reason) for error in refusals))


def deliver(server: str, paths: tuple[Path, ...]) -> Job[dict[Path, str]]:
    """Send files and take the server's word for it; gives each path the reason why it was not taken, empty if it was.

    Raises
    ------
    ServerError
        If the server cannot be reached or refuses us, before anything was sent.
    OptionError
        If there is no such server.
    """
    from napari_medclf.io.pacs.outgoing import find_outgoing

    with linked(server) as (_, link):
        files, refusals = yield from ask(lambda: find_outgoing(paths), link, "looking at the files")
        sent = yield from _send_all(link, files)
    told = {error.path: error.reason for error in refusals}
    return told | {one.path: one.reason for one in sent}


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


def _look_up(
    link: Link, files: tuple[Outgoing, ...], sent: list[SentObject], is_compared: bool
) -> Job[list[SentObject]]:
    """Ask series by series whether what was taken is listed, and comes back as it was."""
    checked = {one.sop_uid: one for one in sent}
    groups: dict[tuple[str, str], list[Outgoing]] = {}
    for file in files:
        if not checked[file.row.sop_uid].reason:
            groups.setdefault((file.row.study_uid, file.row.series_uid), []).append(file)
    for position, ((study_uid, series_uid), group) in enumerate(groups.items()):
        yield Progress(position, len(groups), "asking whether they are there")
        mine = [checked[file.row.sop_uid] for file in group]
        try:
            question = partial(link.find_instances, study_uid, series_uid)
            rows = yield from ask(question, link, "asking whether they are there")
            listed = {row.sop_uid for row in rows}
            mine = [_listed(one, one.sop_uid in listed) for one in mine]
            if is_compared:
                comparison = partial(_compare, link, [file for file in group if file.row.sop_uid in listed])
                differences = yield from ask(comparison, link, "comparing what comes back")
                mine = [_compared(one, differences.get(one.sop_uid)) for one in mine]
        except (MedclfError, OSError) as error:
            why = f"the server took it, but it could not be looked up again: {error}"
            mine = [replace(one, reason=why) for one in mine]
        checked |= {one.sop_uid: one for one in mine}
    return list(checked.values())


def _listed(one: SentObject, is_listed: bool) -> SentObject:
    return replace(one, is_listed=is_listed, reason="" if is_listed else "the server took it, but does not list it")


def _compared(one: SentObject, difference: str | None) -> SentObject:
    if difference is None:
        return one
    return replace(one, is_same=not difference, notes=(*one.notes, difference) if difference else one.notes)


def _compare(link: Link, group: list[Outgoing]) -> dict[str, str]:
    """Fetch objects of one series again; gives what is different in each, empty where nothing is."""
    from napari_medclf.io.pacs.compare import explain_difference
    from napari_medclf.io.pacs.inbox import Inbox

    with tempfile.TemporaryDirectory(prefix="medclf-") as folder:
        inbox = Inbox(Path(folder), tuple(file.row for file in group))
        link.fetch(inbox, inbox.wanted, lambda arrival: None)
        found: dict[str, str] = {}
        for file in group:
            returned = inbox.path_of(file.row.sop_uid)
            is_back = returned.exists()
            found[file.row.sop_uid] = explain_difference(file.path, returned) if is_back else _NOT_BACK
        return found
