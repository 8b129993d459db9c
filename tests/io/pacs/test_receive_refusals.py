"""What the C-STORE receiver does not take: callers that may not send, junk, and more than there is room for."""

from __future__ import annotations

import errno
import importlib.util
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread

from napari_medclf.domain.errors import OptionError, ServerError, WriteError
from napari_medclf.io.pacs.depot import Depot, Verdict
from napari_medclf.io.pacs.dimse.receive import Reception, Stored, TurnedAway, receiving

_spec = importlib.util.spec_from_file_location("senders", Path(__file__).with_name("senders.py"))
senders = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(senders)
associate, store, storescu = senders.associate, senders.store, senders.storescu


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
