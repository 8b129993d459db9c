"""The C-STORE receiver, with real senders: what is taken is whole, on the disk, and only from who may send."""

from __future__ import annotations

import errno
import importlib.util
import os
import queue
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from napari_medclf.domain.errors import OptionError, ServerError, WriteError
from napari_medclf.io.arrived import STUDY_LENGTH
from napari_medclf.io.dicom.keys import study_key
from napari_medclf.io.pacs.depot import Depot, Verdict
from napari_medclf.io.pacs.dimse.receive import Ended, Reception, Stored, TurnedAway, receiving
from napari_medclf.io.pacs.under_way import Left

_spec = importlib.util.spec_from_file_location("senders", Path(__file__).with_name("senders.py"))
senders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(senders)
associate, store, storescu = senders.associate, senders.store, senders.storescu


class Desk:
    """A receiver, its folder, and what it told."""

    def __init__(self, depot, port, told) -> None:
        self.depot, self.port, self._told = depot, port, told

    def told(self, kind, n=1):
        """Wait for things of a kind."""
        found = []
        until = time.monotonic() + 20
        while len(found) < n and time.monotonic() < until:
            with_one = self._told.get(timeout=20)
            found += [with_one] if isinstance(with_one, kind) else []
        return found

    def objects(self):
        """Data sets that are kept, by SOP Instance UID."""
        return {str(one.SOPInstanceUID): one for one in map(dcmread, self.depot.folder.rglob("*.dcm"))}


@pytest.fixture
def desk(tmp_path):
    """Give a function that opens a receiver."""

    @contextmanager
    def open_desk(depot=None, **settings):
        depot = depot or Depot(tmp_path / "received")
        told = queue.Queue()
        with receiving(Reception(0, **settings), depot, told.put) as port:
            yield Desk(depot, port, told)

    return open_desk


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


def test_only_named_senders_are_let_in(desk, ct):
    with desk(calling=("CT1", "CT2")) as one:
        assert storescu(one.port, ct[0], calling="OTHER") != 0
        (away,) = one.told(TurnedAway)
        assert storescu(one.port, ct[0], calling="CT2") == 0
        assert len(one.objects()) == 1
    assert (away.sender, away.address) == ("OTHER", "127.0.0.1")
    assert "--calling" in away.reason


def test_caller_for_another_name_is_turned_away(desk, ct):
    with desk() as one:
        assert storescu(one.port, ct[0], called="ELSEWHERE") != 0
        assert "called for 'ELSEWHERE'" in one.told(TurnedAway)[0].reason


def test_more_senders_than_allowed_are_turned_away(desk):
    with desk(most_senders=1) as one:
        first = associate(one.port)
        assert associate(one.port).is_rejected
        assert "1 others" in one.told(TurnedAway)[0].reason
        first.release()


def test_other_machines_need_a_list_of_senders():
    with pytest.raises(OptionError, match="--calling must name"):
        Reception(11112, host="0.0.0.0")
    assert Reception(11112, host="0.0.0.0", calling=("CT1",)).calling == ("CT1",)


def junk(ct, kind):
    dataset = dcmread(ct[0])
    if kind == "no study":
        del dataset.StudyInstanceUID
    elif kind == "path for a UID":
        dataset.SeriesInstanceUID = "../../../etc/x"
    return dataset


@pytest.mark.parametrize(("kind", "status"), [("no study", 0xA900), ("path for a UID", 0xA900)])
def test_object_without_proper_uids_is_refused(desk, ct, kind, status):
    with desk() as one:
        association = associate(one.port)
        assert store(association, junk(ct, kind), ct[1]) == [status, 0]
        association.release()
        assert len(one.objects()) == 1


@pytest.mark.parametrize("noise", [b"", b"\xff" * 512, b"\0" * 512, b"\x08\0\x18\0UI\xff\xff1.2"])
def test_noise_for_an_object_is_refused_and_leaves_nothing(ct, tmp_path, noise):
    content = ct[0].read_bytes()
    header = content[: 144 + int.from_bytes(content[140:144], "little")]
    taken = Depot(tmp_path).take(header + noise, ("1.2.840.10008.5.1.4.1.1.2", "1.2.3"), "me")
    assert taken.verdict in (Verdict.MISFIT, Verdict.DAMAGED)
    assert taken.reason
    assert list(tmp_path.rglob("*.dcm")) == []


def test_cut_object_is_refused(ct, tmp_path):
    dataset = dcmread(ct[0])
    content = ct[0].read_bytes()[:-100]
    taken = Depot(tmp_path).take(content, (str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)), "me")
    assert taken.verdict is Verdict.DAMAGED
    assert "cut short" in taken.reason
    assert list(tmp_path.rglob("*.dcm")) == []


def test_announced_and_sent_object_must_be_the_same(desk, ct):
    depot_content = ct[0].read_bytes()
    with desk() as one:
        taken = one.depot.take(depot_content, ("1.2.840.10008.5.1.4.1.1.2", "1.2.3"), "me")
    assert taken.verdict is Verdict.MISFIT


def test_full_disk_is_said_to_the_sender_and_leaves_nothing_behind(desk, ct, monkeypatch):
    class Full:
        def __init__(self, file) -> None:
            self._file, self.name = file, file.name

        def write(self, content):
            self._file.write(content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    from napari_medclf.io.pacs import depot as module

    real = module.atomic_writer

    @contextmanager
    def full(path):
        with real(path) as file:
            yield Full(file)

    with desk() as one:
        association = associate(one.port)
        monkeypatch.setattr(module, "atomic_writer", full)
        assert store(association, ct[0]) == [0xA700]
        monkeypatch.undo()
        assert [path for path in one.depot.folder.rglob("*") if path.suffix == ".dcm" or "tmp" in path.name] == []
        assert store(association, ct[0]) == [0]
        association.release()
        assert "No space left" in one.told(Stored)[0].taken.reason


def test_room_that_must_stay_free_is_left_free(desk, ct, tmp_path):
    depot = Depot(tmp_path / "received", min_free_bytes=2**60)
    with desk(depot) as one:
        association = associate(one.port)
        assert store(association, ct[0]) == [0xA700]
        association.release()
        assert one.objects() == {}


def large(ct, n_bytes):
    dataset = dcmread(ct[0])
    dataset.add_new(0x00091001, "OB", b"\0" * n_bytes)
    return dataset


def test_too_large_object_is_not_kept(desk, ct):
    with desk(most_bytes=2**20) as one:
        association = associate(one.port)
        assert store(association, large(ct, 2**20), ct[1]) == [0xA700, 0]
        association.release()
        assert len(one.objects()) == 1
        assert "more than 1 MiB" in one.told(Stored)[0].taken.reason


def test_sender_that_would_fill_the_memory_is_cut_off_and_others_go_on(desk, ct, monkeypatch):
    monkeypatch.setattr("napari_medclf.io.pacs.dimse.receive._LOOK_EVERY_S", 0.001)
    with desk(most_bytes=2**20) as one:
        greedy = associate(one.port)
        greedy.dimse_timeout = 5
        assert "Status" not in greedy.send_c_store(large(ct, 2**25))
        assert "more than 1 MiB" in one.told(TurnedAway)[0].reason
        other = associate(one.port)
        assert store(other, ct[0]) == [0]
        other.release()


def test_callers_that_speak_no_dicom_harm_nobody(desk, ct):
    noises = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\0" + b"\xff" * 4 + b"\0" * 4096,  # a request for an association of 4 GiB
        b"\x04\0\x7f\xff\xff\xff" + b"\0" * 4096,
        b"\x01\0\0\0\0\x10" + b"\xff" * 16,
        b"\x01\0\0",
    ]
    with desk(idle_s=2.0) as one:
        for noise in noises:
            with socket.create_connection(("127.0.0.1", one.port), timeout=20) as line:
                line.sendall(noise)
                _drain(line)  # ends when we are hung up on, or raises after 20 s
        assert storescu(one.port, ct[0]) == 0
        assert len(one.objects()) == 1


def _drain(line):
    try:
        while line.recv(4096):
            pass
    except ConnectionResetError:
        pass


def test_crowd_of_callers_that_say_nothing_is_kept_small(desk, ct):
    with desk(most_senders=1, idle_s=3.0) as one:
        before = threading.active_count()
        crowd = [socket.create_connection(("127.0.0.1", one.port), timeout=20) for _ in range(30)]
        time.sleep(1.5)
        assert threading.active_count() - before <= 2 * 4 + 2
        for line in crowd:
            line.close()
        until = time.monotonic() + 20  # those that were let in are noticed to be gone when they stayed silent for 3 s
        while storescu(one.port, ct[0]) != 0:
            assert time.monotonic() < until
            time.sleep(0.2)


def test_folder_that_cannot_be_written_is_told_before_anybody_sends(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        Depot(tmp_path / "file")


def test_port_that_is_taken_is_told(desk, tmp_path):
    with (
        desk() as one,
        pytest.raises(ServerError, match="cannot be listened on"),
        receiving(Reception(one.port), Depot(tmp_path), print),
    ):
        pass


def test_nothing_of_a_patient_is_logged(desk, ct, caplog, capfd):
    import logging

    with caplog.at_level(logging.DEBUG), desk() as one:
        assert storescu(one.port, ct[0].parent) == 0
        one.told(Ended)
    out, err = capfd.readouterr()
    assert "SECRET" not in caplog.text + out + err
    assert "0077" not in caplog.text + out + err
