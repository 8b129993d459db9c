"""Cases of a run on workers."""

import os
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from napari_medclf.backends.ensemble.file import ENSEMBLE, EnsembleFile, MemberEntry, write_ensemble
from napari_medclf.backends.registry import open_model
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseDone, FinishReason, Progress
from napari_medclf.domain.run import CaseStatus
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.runs.case import RunCase
from napari_medclf.jobs.runs.cluster import shelf
from napari_medclf.jobs.runs.cluster.run import run_on_cluster
from napari_medclf.store.catalogue import default_user_folder
from napari_medclf.store.runs import RunFolder


@pytest.fixture
def options(vessel_model, pictures):
    return {"model": str(vessel_model.folder), "folder": pictures, "device": "cpu"}


def test_workers_of_a_scheduler_give_what_one_process_gives(options, scheduler, tmp_path):
    one = run(batch(BatchOptions(out=tmp_path / "one", **options)))
    two = run(batch(BatchOptions(out=tmp_path / "two", scheduler=scheduler.scheduler_address, **options)))

    assert [(case.case_id, case.status, case.outputs) for case in one.cases] == [
        (case.case_id, case.status, case.outputs) for case in two.cases
    ]
    assert sum(case.status is CaseStatus.DONE for case in two.cases) == 8
    workers = {worker.address for worker in scheduler.workers.values()}
    assert {case.worker for case in two.cases if case.status is CaseStatus.DONE} <= workers
    assert not list((tmp_path / "two").glob(".probe*"))


def test_model_goes_to_workers_that_do_not_see_it_once(plan, cases, book, scheduler, monkeypatch):
    sent = []
    receive = shelf.receive
    monkeypatch.setattr(shelf, "_places", lambda package, manifest: [shelf.shelf_of(manifest)])
    monkeypatch.setattr(
        "napari_medclf.jobs.runs.cluster.crew.receive",
        partial(lambda manifest, *piece: (sent.append(piece[0]), receive(manifest, *piece))[1]),
    )

    outcome = drive(run_on_cluster(replace(plan, scheduler=scheduler.scheduler_address), None, cases, book))

    assert outcome.reason is FinishReason.COMPLETED, outcome.message
    assert {record.status for record in book.entered.values()} == {CaseStatus.DONE}
    assert len(sent) == len(set(sent))
    assert list(default_user_folder().glob("shipped/*/*/models/model.safetensors"))


def test_ensemble_goes_to_workers_with_its_members(plan, cases, book, scheduler, vessel_model, tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "_places", lambda package, manifest: [shelf.shelf_of(manifest)])
    card = vessel_model.card.model_copy(update={"backend": "ensemble", "name": "pair", "weights_sha256": ""})
    entries = tuple(MemberEntry(model=str(vessel_model.folder)) for _ in range(2))
    write_ensemble(EnsembleFile(card=card, combine="mean", members=entries), tmp_path / "pair" / ENSEMBLE)
    with_pair = replace(plan, package=open_model(tmp_path / "pair"), scheduler=scheduler.scheduler_address)

    outcome = drive(run_on_cluster(with_pair, None, cases[:2], book))

    assert outcome.reason is FinishReason.COMPLETED, outcome.message
    assert {record.status for record in book.entered.values()} == {CaseStatus.DONE}
    assert len(list(default_user_folder().glob("shipped/*/pair/members/*/*/models/model.safetensors"))) == 2
    assert not list(default_user_folder().glob(".run-*"))


def test_worker_that_sees_another_folder_is_named(plan, cases, book, scheduler, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(
        "napari_medclf.jobs.runs.cluster.orders.Order.probe", property(lambda self: elsewhere / self.token[:8])
    )
    monkeypatch.setattr("napari_medclf.jobs.runs.cluster.run._Lead._write_probe", lambda self: None)

    outcome = drive(run_on_cluster(replace(plan, scheduler=scheduler.scheduler_address), None, cases, book))

    assert outcome.reason is FinishReason.FAILED
    assert "does not see the folder of results" in outcome.message
    assert not book.entered


def test_probes_of_leaders_and_workers_that_died_are_swept(plan, cases, book, scheduler):
    (plan.out / ".probe-of-the-leader").touch()
    (plan.out / ".probe-of-the-leader-worker").touch()

    drive(run_on_cluster(replace(plan, scheduler=scheduler.scheduler_address), None, cases[:1], book))

    assert not list(plan.out.glob(".probe*"))


def test_scheduler_that_goes_is_one_sentence_and_what_was_done_is_kept(options, scheduler, tmp_path):
    def end_it(event):
        if isinstance(event, CaseDone):
            scheduler.close(timeout=2)

    outcome = drive(batch(BatchOptions(out=tmp_path / "run", scheduler=scheduler.scheduler_address, **options)), end_it)

    assert outcome.reason is FinishReason.FAILED
    assert "is gone. What was finished is kept; go on with --resume" in outcome.message
    n_kept = len(RunFolder(tmp_path / "run").finished())
    assert n_kept >= 1
    resumed = run(batch(BatchOptions(out=tmp_path / "run", resume=True, **options)))
    assert sum(case.status is CaseStatus.DONE for case in resumed.cases) == 8


def test_no_scheduler_there_is_one_sentence(options, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    monkeypatch.setattr("napari_medclf.jobs.runs.cluster.link._CONNECT_S", 0.5)

    with pytest.raises(MedclfError, match="no Dask scheduler can be reached there"):
        run(batch(BatchOptions(out=tmp_path / "run", scheduler="tcp://127.0.0.1:9", **options)))


def test_stop_takes_the_cases_back(plan, book, scheduler, cases, tmp_path):
    last = tmp_path / "went on"
    slow = [replace(case, load=partial(_dawdle, last)) for case in cases]
    begun = []

    outcome = drive(
        run_on_cluster(replace(plan, scheduler=scheduler.scheduler_address), None, slow, book),
        lambda event: begun.append(event) if isinstance(event, Progress) and book.begun else None,
        should_stop=lambda: bool(begun),
    )

    assert outcome.reason is FinishReason.CANCELED
    assert not book.entered
    for worker in scheduler.workers.values():
        while worker.state.executing_count:
            time.sleep(0.05)  # ends by the timeout of the test, if not by the stop
    assert not last.exists()


def _dawdle(last):
    time.sleep(60)
    last.touch()


@pytest.mark.slow
def test_dead_workers_cost_nothing_but_the_case_they_died_of(plan, cases, book):
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    psutil = pytest.importorskip("psutil", reason="comes with distributed")
    deadly = RunCase("deadly", cases[0].source, partial(os._exit, 9))
    listening = []

    def look(event):
        if isinstance(event, CaseDone) and not listening:
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                with suppress(psutil.NoSuchProcess):  # they die meanwhile
                    found = process.net_connections()
                    listening.extend(one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN)

    outcome = drive(run_on_cluster(plan, None, [cases[0], deadly, *cases[1:]], book), look)

    assert outcome.reason is FinishReason.COMPLETED, outcome.message
    assert "Two workers died while they ran it" in book.entered.pop("deadly").reason
    assert {record.status for record in book.entered.values()} == {CaseStatus.DONE}
    assert set(book.entered) == {case.case_id for case in cases}
    assert set(listening) == {"127.0.0.1"}
