"""A run that is led, and cases of it."""

from __future__ import annotations

import pytest

from napari_medclf.domain.run import CaseRecord, RunSpec
from napari_medclf.store.runs import LedgerRun, RunLeader


@pytest.fixture
def run() -> LedgerRun:
    return LedgerRun(spec=RunSpec(command="batch", options={"model": "nuclei"}), model="nuclei", answered_by="m" * 64)


@pytest.fixture
def lead(tmp_path, run):
    """Begin a run below the test's folder, or go on with it; all are let go of at the end."""
    leaders = []

    def start(folder="out", resume=False, flush_s=0, **changes):
        leader = RunLeader.start(tmp_path / folder, run.model_copy(update=changes), resume=resume, flush_s=flush_s)
        leaders.append(leader)
        return leader

    yield start
    for one in leaders:
        one.close()


@pytest.fixture
def do():
    """Do a case as a run does: begin it, write its file, enter it."""

    def do_case(leader, name, content=b"labels"):
        leader.begin(name, f"in/{name}.png", "i" * 64)
        folder = leader.folder.case_folder(name)
        with leader.folder.case_files(folder) as new:
            (new / "segmentation.png").write_bytes(content)
            outputs = leader.folder.digests([new / "segmentation.png"], new, folder)
        return _enter(leader, name, outputs=outputs)

    return do_case


@pytest.fixture
def enter():
    """Enter a case as it ended."""
    return _enter


def _enter(leader, name, status="done", **more):
    record = CaseRecord(
        case_id=name, source=f"in/{name}.png", status=status, input_sha256="i" * 64, answered_by="m" * 64, **more
    )
    leader.enter(record)
    return record
