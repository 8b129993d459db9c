"""The C-STORE receiver, with real senders: what is taken is whole and on the disk, whoever sends at the same time."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from napari_medclf.io.arrived import STUDY_LENGTH
from napari_medclf.io.dicom.keys import study_key
from napari_medclf.io.pacs.depot import Depot, Verdict
from napari_medclf.io.pacs.dimse.receive import Ended, Stored
from napari_medclf.io.pacs.under_way import Left

_spec = importlib.util.spec_from_file_location("senders", Path(__file__).with_name("senders.py"))
senders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(senders)
associate, store, storescu = senders.associate, senders.store, senders.storescu


def study_of(ct, folder, number):
    """Copy a series as another study of other UIDs."""
    folder.mkdir()
    uids = [generate_uid(entropy_srcs=[str(number), level]) for level in ("study", "series")]
    for path in ct:
        dataset = dcmread(path)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids
        dataset.SOPInstanceUID += f".{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / path.name, enforce_file_format=True)
    return sorted(folder.iterdir())


def test_study_of_storescu_is_kept_element_by_element_under_names_that_tell_nothing(desk, ct):
    with desk() as one:
        assert storescu(one.port, ct[0].parent) == 0
        (end,) = one.told(Ended)
        kept = one.objects()
    assert end.is_whole
    assert end.sender == "STORESCU"
    for path in ct:
        assert kept[dcmread(path).SOPInstanceUID] == dcmread(path)
    names = [str(path.relative_to(one.depot.folder)) for path in one.depot.folder.rglob("*.dcm")]
    assert all(set(name) <= set("0123456789abcdef/.dcm") for name in names)
    assert not one.depot.under_way.how_left(end.studies[0])


def test_success_is_said_only_when_the_object_is_on_the_disk(desk, ct, monkeypatch):
    flushed = []
    real = os.fsync
    monkeypatch.setattr("napari_medclf.atomic.os.fsync", lambda one: (flushed.append(one), real(one)))
    with desk() as one:
        association = associate(one.port)
        before = len(flushed)
        assert store(association, ct[0]) == [0]
        assert len(flushed) >= before + 2  # the file and its folder
        assert len(one.objects()) == 1
        association.release()


def test_interleaved_senders_of_several_studies_do_not_disturb_each_other(desk, ct, tmp_path):
    studies = [study_of(ct, tmp_path / str(number), number) for number in range(3)]
    with desk() as one:
        associations = [associate(one.port, f"SENDER{number}") for number in range(3)]
        for slices in zip(*studies, strict=True):
            for association, path in zip(associations, slices, strict=True):
                assert store(association, path) == [0]
        folders = sorted(path.name for path in one.depot.folder.iterdir())
        assert len(folders) == 3
        assert all(one.depot.under_way.is_busy(name) for name in folders)
        for association in associations:
            association.release()
        ends = one.told(Ended, 3)
        assert sorted(end.studies for end in ends) == [(name,) for name in folders]
        assert not any(one.depot.under_way.is_busy(name) for name in folders)
        assert len(one.objects()) == 36


def test_one_study_over_two_senders_is_busy_until_both_are_gone(desk, ct):
    with desk() as one:
        first, second = associate(one.port, "A"), associate(one.port, "B")
        assert store(first, *ct[:6]) == [0] * 6
        assert store(second, *ct[6:]) == [0] * 6
        (folder,) = one.depot.folder.iterdir()
        first.release()
        one.told(Ended)
        assert one.depot.under_way.is_busy(folder.name)
        second.release()
        one.told(Ended)
        assert not one.depot.under_way.is_busy(folder.name)
        assert not one.depot.under_way.how_left(folder.name)


@pytest.mark.parametrize("way", ["abort", "cut"])
def test_sender_that_breaks_off_leaves_a_mark_until_the_study_comes_whole(desk, ct, way):
    with desk() as one:
        association = associate(one.port)
        assert store(association, *ct[:5]) == [0] * 5
        (folder,) = one.depot.folder.iterdir()
        if way == "abort":
            association.abort()
        else:
            association.dul.socket.socket.shutdown(socket.SHUT_RDWR)
        (end,) = one.told(Ended)
        assert not end.is_whole
        assert one.depot.under_way.how_left(folder.name)
        assert Depot(one.depot.folder).under_way.how_left(folder.name)  # as after a restart
        assert storescu(one.port, ct[0].parent) == 0
        assert one.told(Ended)[0].is_whole
        assert not one.depot.under_way.how_left(folder.name)
        assert len(one.objects()) == 12


def test_sender_that_breaks_off_in_its_second_study_has_moved_on_from_the_first(desk, ct, tmp_path):
    studies = [study_of(ct, tmp_path / str(number), number) for number in range(2)]
    with desk() as one:
        association = associate(one.port)
        assert store(association, *studies[0], *studies[1][:3]) == [0] * 15
        association.abort()
        (end,) = one.told(Ended)
        assert len(end.studies) == 2
        uid = dcmread(studies[0][0]).StudyInstanceUID
        left = {name: one.depot.under_way.how_left(name) for name in end.studies}
        assert left.pop(study_key(uid, STUDY_LENGTH)) is Left.MOVED_ON
        assert list(left.values()) == [Left.BROKE_OFF]
        assert storescu(one.port, studies[0][0].parent) == 0
        one.told(Ended)
        assert one.depot.under_way.how_left(study_key(uid, STUDY_LENGTH)) is Left.WHOLE


def test_kill_in_the_middle_of_a_study_leaves_a_mark_for_the_next_start(tmp_path, ct):
    depot = Depot(tmp_path)
    depot.under_way.begin("study", "sender-1")  # and then the process is gone
    again = Depot(tmp_path)
    assert again.under_way.how_left("study")
    assert not again.under_way.is_busy("study")


def test_object_sent_again_is_taken_and_nothing_changes(desk, ct):
    with desk() as one:
        assert storescu(one.port, ct[0]) == 0
        (path,) = one.depot.folder.rglob("*.dcm")
        before = path.stat().st_mtime_ns
        assert storescu(one.port, ct[0]) == 0
        assert storescu(one.port, ct[0], more=["-xi"]) == 0  # types of values left out on the way
        verdicts = [stored.taken.verdict for stored in one.told(Stored, 3)]
        assert path.stat().st_mtime_ns == before
    assert verdicts == [Verdict.TAKEN, Verdict.REPEATED, Verdict.REPEATED]


def test_object_sent_again_with_other_values_replaces_the_first(desk, ct):
    with desk() as one:
        changed = dcmread(ct[0])
        association = associate(one.port)
        assert store(association, ct[0]) == [0]
        changed.RescaleIntercept = -1000
        assert store(association, changed) == [0]
        association.release()
        (kept,) = one.objects().values()
    assert kept.RescaleIntercept == -1000


def test_nothing_of_a_patient_is_logged(desk, ct, caplog, capfd):
    import logging

    with caplog.at_level(logging.DEBUG), desk() as one:
        assert storescu(one.port, ct[0].parent) == 0
        one.told(Ended)
    out, err = capfd.readouterr()
    assert "SECRET" not in caplog.text + out + err
    assert "0077" not in caplog.text + out + err
