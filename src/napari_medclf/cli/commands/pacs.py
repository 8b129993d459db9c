"""`medclf pacs`: ask an archive, fetch from it, send to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import BAD_INPUT, Command, exit_code
from napari_medclf.cli.tables import columns
from napari_medclf.domain.events import FinishReason, Outcome
from napari_medclf.jobs import pacs

_SHORT_KEY = 8


def _echo_document(echo: pacs.Echo) -> dict[str, Any]:
    return {"server": echo.server, "protocol": echo.protocol, "elapsed_ms": echo.elapsed_ms}


def _echo_lines(echo: pacs.Echo) -> Iterator[str]:
    yield f"{echo.server} answers ({echo.protocol}, {echo.elapsed_ms:.0f} ms)"


def _found_document(found: pacs.Found) -> dict[str, Any]:
    return {"server": found.server, "studies": found.studies, "series": found.series, "is_cut": found.is_cut}


def _found_lines(found: pacs.Found) -> Iterator[str]:
    for study in found.studies:
        who = "  ".join(one for one in (study.patient_name, study.patient_id, study.accession) if one)
        size = f"{_count(study.n_series)} series, {_count(study.n_instances)} objects"
        facts = (
            study.date,
            who or f"patient {study.patient_key[:_SHORT_KEY] or 'unknown'}",
            ",".join(study.modalities),
        )
        yield "  ".join(one for one in (study.study_uid, *facts, size, study.description) if one)
        rows = [
            ("   ", one.series_uid, one.modality, one.number, f"{_count(one.n_instances)} objects", one.description)
            for one in found.series
            if one.study_uid == study.study_uid
        ]
        yield from columns(rows)
    noun = "study" if len(found.studies) == 1 else "studies"
    yield f"{len(found.studies)} {noun}{' and more' if found.is_cut else ''}"


def _received_document(received: pacs.Received) -> dict[str, Any]:
    return {
        "server": received.server,
        "protocol": received.protocol,
        "folder": str(received.folder),
        "series": [
            {
                "study_uid": one.row.study_uid,
                "series_uid": one.row.series_uid,
                "modality": one.row.modality,
                "folder": str(one.folder),
                "n_asked": one.n_asked,
                "n_received": one.n_received,
                "n_kept": one.n_kept,
                "is_whole": one.is_whole,
                "problems": one.problems,
            }
            for one in received.series
        ],
    }


def _received_lines(received: pacs.Received) -> Iterator[str]:
    for one in received.series:
        kept = f", {one.n_kept} were here" if one.n_kept else ""
        lack = "" if one.is_whole else f" of {one.n_asked}"
        what = one.row.modality or "series"
        yield f"{one.folder}: {what}, {one.n_received}{lack} objects received{kept}  {one.row.description}".rstrip()
    yield f"{len(received.series)} series in {received.folder}; `medclf read` tells what is in them"


def _sent_document(sent: pacs.Sent) -> dict[str, Any]:
    return {
        "server": sent.server,
        "objects": sent.objects,
        "refused": [{"path": str(path), "reason": reason} for path, reason in sent.refused],
    }


def _sent_lines(sent: pacs.Sent) -> Iterator[str]:
    for one in sent.objects:
        if one.reason:
            yield f"failed {one.path}: {one.reason}"
            continue
        same = {None: "", True: ", every element comes back as it was", False: ", but comes back changed"}[one.is_same]
        yield f"sent {one.path}: {one.modality}, the server lists it{same}"
        yield from (f"    {note}" for note in one.notes)
    yield from (f"refused {path}: {reason}" for path, reason in sent.refused)
    n_there = sum(not one.reason for one in sent.objects)
    yield f"{n_there} of {len(sent.objects) + len(sent.refused)} are at {sent.server}"


def _sent_exit_code(outcome: Outcome[pacs.Sent]) -> int:
    is_done = outcome.reason is FinishReason.COMPLETED and outcome.result is not None
    if is_done and outcome.result is not None and all(one.reason for one in outcome.result.objects):
        return BAD_INPUT
    return exit_code(outcome)


def _servers_document(table: pacs.ServerTable) -> dict[str, Any]:
    return {"servers": dict(table.servers)}


def _servers_lines(table: pacs.ServerTable) -> Iterator[str]:
    yield from columns(table.servers)
    yield f"{len(table.servers)} servers"


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


COMMANDS: dict[str, Command[Any, Any]] = {
    "echo": Command(
        pacs.EchoOptions, pacs.echo, _echo_document, _echo_lines, summary="Ask whether a server answers and lets us in."
    ),
    "find": Command(
        pacs.FindOptions, pacs.find, _found_document, _found_lines, summary="List studies, or the series of studies."
    ),
    "get": Command(
        pacs.GetOptions, pacs.get, _received_document, _received_lines, summary="Fetch series into a folder; resumes."
    ),
    "send": Command(
        pacs.SendOptions,
        pacs.send,
        _sent_document,
        _sent_lines,
        _sent_exit_code,
        summary="Send segmentations, reports, images, and make sure that they are there.",
    ),
    "servers": Command(
        pacs.ServersOptions,
        pacs.servers,
        _servers_document,
        _servers_lines,
        summary="List, add or remove servers that have a name.",
    ),
}
