"""Studies that senders bring: run when complete, results sent on, and nothing lost by a restart."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest
from pydicom import dcmread
from tests.jobs.watch.conftest import load_beside, records

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import CaseDone, FinishReason, Noted, Warned
from napari_medclf.jobs.watch.listen import listen
from napari_medclf.jobs.watch.options import Incomplete, ListenOptions

senders = load_beside("io/pacs/senders.py")
associate, store, storescu = senders.associate, senders.store, senders.storescu


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def options(tmp_path):
    def make(**changes):
        settings = {"settle": 0.3, "patience": 1.2, "min_free_gb": 0.0, "port": free_port()} | changes
        return ListenOptions(model="bright", out=tmp_path / "out", **settings)

    return make


class Scene:
    """A service that runs on the test's thread, and senders on another that begin when it listens."""

    def __init__(self, events) -> None:
        self._events = events

    def play(self, settings, act, until):
        """Run the service; gives its outcome when `until` holds and the senders are through."""
        listens, is_over, failure = threading.Event(), threading.Event(), []

        def work():
            try:
                assert listens.wait(30)
                act(settings.port)
            except BaseException as error:
                failure.append(error)
            finally:
                is_over.set()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        outcome = self._events.drive(
            listen(settings),
            lambda events: bool(failure) or (is_over.is_set() and until(events)),
            lambda event: listens.set() if isinstance(event, Noted) and "listens on" in event.message else None,
        )
        thread.join(20)
        if failure:
            raise failure[0]
        return outcome


@pytest.fixture
def scene(model, events):
    return Scene(events)


def n_done(n):
    return lambda events: sum(isinstance(one, CaseDone) for one in events) >= n


def warned(text):
    return lambda events: any(isinstance(one, Warned) and text in one.message for one in events)


def noted(text):
    return lambda events: any(isinstance(one, Noted) and text in one.message for one in events)


def test_studies_of_storescu_are_run_whole(scene, options, model, study, tmp_path):
    def act(port):
        for number in range(2):
            assert storescu(port, study(number)[0].parent) == 0

    outcome = scene.play(options(), act, n_done(2))
    assert outcome.reason is FinishReason.CANCELED
    assert model.seen == [12, 12]
    done = records(tmp_path / "out")["done"]
    assert all(set(record.case_id) <= set("0123456789abcdef_-") for record in done)
    assert "SECRET" not in (tmp_path / "out" / "results.csv").read_text()


def test_interleaved_senders_do_not_cut_each_others_studies(scene, options, model, study):
    def act(port):
        associations = [associate(port, f"CT{number}") for number in range(3)]
        for k in range(12):
            for number, association in enumerate(associations):
                assert store(association, study(number)[k]) == [0]
            time.sleep(0.08)
        for association in associations:
            association.release()

    scene.play(options(settle=0.2), act, n_done(3))
    assert model.seen == [12, 12, 12]


def test_study_is_not_run_while_its_sender_is_still_there(scene, options, model, study):
    def act(port):
        association = associate(port)
        assert store(association, *study()[:6]) == [0] * 6
        time.sleep(1.0)  # longer than it takes to settle
        assert model.seen == []
        assert store(association, *study()[6:]) == [0] * 6
        association.release()

    scene.play(options(settle=0.2, patience=0.4), act, n_done(1))
    assert model.seen == [12]


def test_study_over_several_associations_is_run_once(scene, options, model, study):
    def act(port):
        for start in range(0, 12, 4):
            association = associate(port)
            assert store(association, *study()[start : start + 4]) == [0] * 4
            association.release()

    scene.play(options(settle=4.0, patience=5.0), act, n_done(1))  # longer than a busy machine pauses between them
    assert model.seen == [12]


def test_broken_off_study_is_waited_for_and_run_when_it_comes_again(scene, options, model, study, events):
    def act(port):
        association = associate(port)
        assert store(association, *study()[:7]) == [0] * 7
        association.abort()
        time.sleep(1.0)
        assert model.seen == []
        assert storescu(port, study()[0].parent) == 0

    scene.play(options(settle=0.2, patience=30.0), act, n_done(1))
    assert model.seen == [12]
    assert any("broke off" in event.message for event in events.of(Warned))


def test_break_after_the_last_slice_is_made_good_by_sending_all_again(scene, options, model, study):
    def act(port):
        association = associate(port)
        assert store(association, *study()) == [0] * 12
        association.abort()
        time.sleep(1.0)
        assert model.seen == []
        assert storescu(port, study()[0].parent) == 0  # which brings nothing new

    scene.play(options(settle=0.2, patience=50.0), act, n_done(1))
    assert model.seen == [12]


def test_broken_off_study_that_was_refused_is_run_when_all_is_sent_again(scene, options, model, study, tmp_path):
    def act(port):
        association = associate(port)
        assert store(association, *study()) == [0] * 12
        association.abort()
        until = time.monotonic() + 30
        while not records(tmp_path / "out").get("failed") and time.monotonic() < until:
            time.sleep(0.1)
        assert storescu(port, study()[0].parent) == 0

    scene.play(options(settle=0.2, patience=0.5), act, n_done(1))
    assert model.seen == [12]
    assert list(records(tmp_path / "out")) == ["done"]


@pytest.mark.parametrize("incomplete", list(Incomplete))
def test_study_that_stays_broken_off_is_refused_or_run_with_a_warning(
    scene, options, model, study, tmp_path, incomplete
):
    def act(port):
        association = associate(port)
        assert store(association, *study()[:7]) == [0] * 7
        association.abort()
        until = time.monotonic() + 20
        while not records(tmp_path / "out").get("failed") and not model.seen and time.monotonic() < until:
            time.sleep(0.1)

    scene.play(options(incomplete=incomplete), act, lambda events: True)
    found = records(tmp_path / "out")
    if incomplete is Incomplete.REFUSE:
        assert "stopped before the end" in found["failed"][0].reason
        assert model.seen == []
    else:
        assert model.seen == [7]


def test_restart_goes_on_with_what_was_received_before(scene, options, model, study, tmp_path):
    def act(port):
        assert storescu(port, study(0)[0].parent) == 0

    scene.play(options(settle=20.0, patience=20.0), act, lambda events: True)  # stopped before it was run
    assert model.seen == []
    scene.play(options(), lambda port: None, n_done(1))
    assert model.seen == [12]


def test_study_sent_again_is_not_run_again(scene, options, model, study, tmp_path):
    def act(port):
        assert storescu(port, study(0)[0].parent) == 0

    scene.play(options(), act, n_done(1))

    def again(port):
        assert storescu(port, study(0)[0].parent) == 0
        assert storescu(port, study(1)[0].parent) == 0

    scene.play(options(), again, n_done(1))
    assert model.seen == [12, 12]
    assert len(records(tmp_path / "out")["done"]) == 2


def test_kill_in_the_middle_of_a_study_leaves_it_to_be_waited_for(scene, options, model, study, tmp_path):
    from napari_medclf.io.pacs.depot import Depot

    settings = options(patience=60.0)
    depot = Depot(settings.received_folder.absolute())
    for path in study()[:6]:
        dataset = dcmread(path)
        announced = (str(dataset.SOPClassUID), str(dataset.SOPInstanceUID))
        assert depot.take(path.read_bytes(), announced, "killed-1").path is not None

    def act(port):
        time.sleep(1.0)
        assert model.seen == []
        assert storescu(port, study()[0].parent) == 0

    scene.play(settings, act, n_done(1))
    assert model.seen == [12]


@contextmanager
def archive(status=lambda: 0x0000):
    """A place to send results to; gives its port and what it was sent."""
    from pynetdicom import AE, AllStoragePresentationContexts, evt

    taken = []

    def take(event):
        answer = status()
        if answer == 0:
            taken.append(event.dataset)
        return answer

    entity = AE("ARCHIVE")
    entity.supported_contexts = AllStoragePresentationContexts
    listener = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    try:
        yield listener.server_address[1], taken
    finally:
        listener.shutdown()


def test_segmentation_is_sent_on_once(scene, options, study):
    with archive() as (port, taken):

        def act(own_port):
            assert storescu(own_port, study()[0].parent) == 0

        settings = {"send_to": f"dicom://ARCHIVE@127.0.0.1:{port}"}
        scene.play(options(**settings), act, noted("results sent on"))
        scene.play(options(**settings), act, lambda events: n_quiet(events) > 10)
    (result,) = taken
    assert result.Modality == "SEG"
    assert result.ReferencedSeriesSequence[0].SeriesInstanceUID == dcmread(study()[0]).SeriesInstanceUID


def n_quiet(events):
    return sum(isinstance(event, Noted) and event.message == "waiting for images" for event in events)


def test_result_that_cannot_be_sent_now_is_sent_after_a_restart(scene, options, study, events):
    port = free_port()
    settings = {"send_to": f"dicom://ARCHIVE@127.0.0.1:{port}"}

    def act(own_port):
        assert storescu(own_port, study()[0].parent) == 0

    scene.play(options(**settings), act, warned("cannot be sent now"))
    with archive() as (other, taken):
        # The server's address is another now, as after a move: what was not sent yet goes there.
        scene.play(options(send_to=f"dicom://ARCHIVE@127.0.0.1:{other}"), lambda port: None, lambda events: bool(taken))
    assert len(taken) == 1


def test_result_that_is_refused_is_tried_again(scene, options, study, monkeypatch):
    monkeypatch.setattr("napari_medclf.jobs.watch.send_on._FIRST_WAIT_S", 0.2)
    answers = iter([0xA700, 0xA700])
    with archive(lambda: next(answers, 0x0000)) as (port, taken):

        def act(own_port):
            assert storescu(own_port, study()[0].parent) == 0

        scene.play(options(send_to=f"dicom://ARCHIVE@127.0.0.1:{port}"), act, lambda events: bool(taken))
    assert len(taken) == 1


def test_stranger_is_turned_away_and_told_once(scene, options, study, events):
    def act(port):
        for _ in range(3):
            assert storescu(port, study()[0], calling="STRANGER") != 0

    scene.play(options(calling=("CT1",)), act, warned("STRANGER"))
    assert sum("STRANGER" in event.message for event in events.of(Warned)) == 1


def test_other_machines_need_a_list_of_senders(model, events, options):
    outcome = events.drive(listen(options(host="0.0.0.0")))
    assert isinstance(outcome.error, OptionError)
    assert "--calling" in outcome.message


def test_formats_that_hold_nothing_to_send_are_refused(model, events, options):
    outcome = events.drive(listen(options(send_to="dicom://A@127.0.0.1:9", format=("nifti",))))
    assert "--send-to sends DICOM files" in outcome.message


def test_second_service_in_the_same_folder_is_refused(scene, options, events):
    first = options()
    seen = []

    def act(port):
        from napari_medclf.jobs.drive import drive

        seen.append(drive(listen(options())))

    scene.play(first, act, lambda events: True)
    assert seen[0].reason is FinishReason.FAILED
    assert "another run is writing there" in seen[0].message
