"""The DIMSE client against an archive in this process: it works, and what goes wrong is one sentence."""

from __future__ import annotations

import copy
import socket
from dataclasses import replace

import pytest
from pydicom import dcmread

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.pacs import StudyQuery
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.outgoing import find_outgoing
from napari_medclf.jobs import pacs
from napari_medclf.jobs.drive import drive


def dataset_bytes(path):
    """The bytes of a file behind its file header."""
    content = path.read_bytes()
    length = int.from_bytes(content[140:144], "little")
    return content[144 + length :]


def fetch(link, inbox, rows):
    arrivals = []
    link.fetch(inbox, rows, arrivals.append)
    return arrivals


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_server_that_knows_us_answers(dimse, link_to):
    with link_to(dimse(callers=["MEDCLF"]).address) as link:
        link.echo()


def test_server_that_knows_us_not_is_told_by_our_name(dimse, link_to):
    with link_to(dimse(callers=["OTHER"]).address) as link, pytest.raises(ServerError, match="our name 'MEDCLF'"):
        link.echo()


def test_wrong_name_of_the_server_is_told(dimse, link_to):
    address = dimse().address.replace("FAKE", "NOBODY")
    with link_to(address) as link, pytest.raises(ServerError, match="AE title is not 'NOBODY'"):
        link.echo()


def test_nobody_listening_is_told(link_to):
    with link_to(f"dicom://FAKE@127.0.0.1:{free_port()}") as link, pytest.raises(ServerError, match="refused"):
        link.echo()


def test_silent_server_is_given_up(dimse, link_to):
    address = f"{dimse(silent=True).address}?timeout=3"  # the association itself may take a second on a busy machine
    with link_to(address) as link, pytest.raises(ServerError, match="did not answer within 3 s"):
        link.echo()


def test_refused_query_is_told_in_words(dimse, link_to):
    with link_to(dimse(find=0xA700).address) as link, pytest.raises(ServerError, match="out of resources .0xA700"):
        link.find_studies(StudyQuery(), 10, with_names=False)


def test_study_series_and_objects_are_listed(dimse, link_to, rows):
    archive = dimse()
    with link_to(archive.address) as link:
        (study,) = link.find_studies(StudyQuery(patient_name="SEC*"), 10, with_names=False)
        (series,) = link.find_series(study.study_uid)
        found = link.find_instances(study.study_uid, series.series_uid)
    assert archive.asked[0].PatientName == "SEC*"
    assert (series.modality, series.description) == ("CT", "Thorax 3.5")
    assert sorted(found, key=lambda row: row.sop_uid) == sorted(rows, key=lambda row: row.sop_uid)


def test_names_are_asked_for_only_when_they_shall_be_shown(dimse, link_to):
    archive = dimse()
    with link_to(archive.address) as link:
        (row,) = link.find_studies(StudyQuery(), 10, with_names=False)
        (named,) = link.find_studies(StudyQuery(), 10, with_names=True)
    assert "PatientName" not in archive.asked[0]
    assert "SECRET" not in repr(row)
    assert named.patient_name == "SECRET^JANE"


def test_uid_that_is_a_path_is_refused(dimse, link_to):
    def answer(dataset):
        dataset.StudyInstanceUID = "../../x"
        return dataset

    with link_to(dimse(answer=answer).address) as link, pytest.raises(ServerError, match="no UID"):
        link.find_studies(StudyQuery(), 10, with_names=False)


@pytest.mark.parametrize("way", ["get", "move"])
def test_series_comes_whole_and_once(dimse, link_to, rows, tmp_path, ct, way):
    archive = dimse()
    archive.move_port = free_port()
    address = archive.address + (f"?move=MEDCLF:{archive.move_port}" if way == "move" else "")
    inbox = Inbox(tmp_path / "in", rows)
    with link_to(address) as link:
        arrivals = fetch(link, inbox, inbox.missing())
        assert fetch(link, inbox, inbox.missing()) == []
    assert sorted(one.sop_uid for one in arrivals) == [row.sop_uid for row in rows]
    for path, row in zip(ct, rows, strict=True):
        assert dcmread(inbox.path_of(row.sop_uid)) == dcmread(path)


def test_only_missing_objects_are_asked_for(dimse, link_to, rows, tmp_path):
    inbox = Inbox(tmp_path / "in", rows)
    with link_to(dimse().address) as link:
        fetch(link, inbox, rows)
        inbox.path_of(rows[3].sop_uid).unlink()
        assert [one.sop_uid for one in fetch(link, inbox, inbox.missing())] == [rows[3].sop_uid]


@pytest.mark.parametrize("uid", ["1.2.3.4.5", "../../x"])
def test_another_object_than_asked_for_is_not_kept(dimse, link_to, rows, tmp_path, uid):
    def send(dataset):
        dataset = copy.deepcopy(dataset)
        dataset.SOPInstanceUID = uid
        return dataset

    arrivals = []
    with link_to(dimse(send=send).address) as link:
        link.fetch(Inbox(tmp_path / "in", rows), rows, arrivals.append)
    assert len(arrivals) == len(rows)
    assert all(one.is_stray and "not asked for" in one.reason for one in arrivals)
    assert list(tmp_path.rglob("*.dcm")) == []
    assert not (tmp_path.parent / "x").exists()


def test_move_to_a_name_the_server_does_not_know_is_told(dimse, link_to, rows, tmp_path):
    address = f"{dimse(move=0xA801).address}?move=STRANGER:{free_port()}"
    inbox = Inbox(tmp_path, rows)
    with link_to(address) as link, pytest.raises(ServerError, match="Is STRANGER with this machine's address"):
        fetch(link, inbox, rows)


def test_port_that_is_taken_is_told(dimse, link_to, rows, tmp_path):
    archive = dimse()
    address = f"{archive.address}?move=MEDCLF:{archive.port}"
    with link_to(address) as link, pytest.raises(ServerError, match=f"port {archive.port} cannot be listened on"):
        fetch(link, Inbox(tmp_path, rows), rows)


def test_files_are_sent_byte_for_byte(dimse, link_to, ct):
    archive, told = dimse(), []
    with link_to(archive.address) as link:
        link.send(find_outgoing(ct)[0], told.append)
    assert [one.reason for one in told] == [""] * len(ct)
    assert archive.stored == [dataset_bytes(path) for path in ct]


@pytest.mark.parametrize(
    ("status", "reason", "note"),
    [(0xA700, "out of resources", ""), (0xA901, "does not match its kind", ""), (0xB000, "", "changed elements")],
)
def test_what_the_server_says_to_an_object_is_told(dimse, link_to, ct, status, reason, note):
    told = []
    with link_to(dimse(store=status).address) as link:
        link.send(find_outgoing(ct[:1])[0], told.append)
    assert reason in told[0].reason
    assert note in told[0].note
    assert bool(told[0].reason) == bool(reason)


def test_job_stops_while_the_server_is_silent(dimse):
    events = []
    outcome = drive(pacs.echo(pacs.EchoOptions(dimse(silent=True).address)), events.append, lambda: len(events) > 3)
    assert outcome.reason is FinishReason.CANCELED
    assert outcome.elapsed_s < 5


def test_partial_series_is_told_and_taken_up(dimse, tmp_path, rows):
    def send(dataset):
        return None if dataset.SOPInstanceUID in (rows[2].sop_uid, rows[5].sop_uid) else dataset

    archive = dimse(send=send)
    options = pacs.GetOptions(archive.address, study=rows[0].study_uid, out=tmp_path)
    outcome = drive(pacs.get(options))
    (series,) = outcome.result.series
    assert (series.n_asked, series.n_received, series.is_whole) == (12, 10, False)
    assert "10 of 12 objects are here" in outcome.failures[0].reason
    del archive.changes["send"]
    (series,) = drive(pacs.get(options)).result.series
    assert (series.n_received, series.n_kept, series.is_whole) == (2, 10, True)


def test_nothing_of_a_patient_is_logged(dimse, link_to, caplog, capfd):
    import logging

    with caplog.at_level(logging.DEBUG), link_to(dimse().address) as link:
        link.find_studies(StudyQuery(patient_name="SECRET*"), 10, with_names=True)
    out, err = capfd.readouterr()
    assert "SECRET" not in caplog.text + out + err


def test_private_and_retired_kinds_come_by_move(dimse, link_to, rows, tmp_path):
    def send(dataset):
        dataset = copy.deepcopy(dataset)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = kind
        return dataset

    kind = "1.2.826.0.1.3680043.8.498.99"
    archive = dimse(send=send, kind=kind)
    archive.move_port = free_port()
    asked = tuple(replace(row, sop_class_uid=kind) for row in rows[:2])
    inbox = Inbox(tmp_path, asked)
    with link_to(f"{archive.address}?move=MEDCLF:{archive.move_port}") as link:
        arrivals = [one for one in fetch(link, inbox, asked) if not one.is_stray]
    assert [one.reason for one in arrivals] == ["", ""]


def test_strays_do_not_make_a_series_incomplete(dimse, tmp_path, rows, ct):
    archive = dimse()
    stray = copy.deepcopy(archive.datasets[0])
    stray.SOPInstanceUID = "1.2.3.4.5"
    options = pacs.GetOptions(archive.address, study=rows[0].study_uid, out=tmp_path)
    archive.changes["more"] = [stray]
    events = []
    (series,) = drive(pacs.get(options), events.append).result.series
    assert series.is_whole
    assert any("not asked for" in getattr(event, "message", "") for event in events)
    assert len(list(tmp_path.rglob("*.dcm"))) == len(ct)
