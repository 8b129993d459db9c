"""A scheduler with two workers in this process, and a small run for them."""

from __future__ import annotations

import dataclasses
import shutil
from functools import partial
from pathlib import Path

import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import CaseDone, CaseFailed
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.runs.case import RunCase, RunPlan
from napari_medclf.jobs.runs.sources import load_image
from napari_medclf.jobs.spec import spec_of


@pytest.fixture
def scheduler():
    """Its address, with two workers that are threads of this process: as another person would start it."""
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=None,
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    )
    yield cluster
    cluster.close(timeout=2)


@pytest.fixture
def pictures(vessels_folder, tmp_path) -> Path:
    """A folder with eight pictures and one that is cut short."""
    images = tmp_path / "in"
    shutil.copytree(vessels_folder / "images", images)
    (images / "cut.png").write_bytes((images / "eye_2.png").read_bytes()[:300])
    return images


@pytest.fixture
def plan(vessel_model, pictures, tmp_path) -> RunPlan:
    """A run over the pictures, in a folder that is there."""
    out = tmp_path / "run"
    out.mkdir()
    (out / "ledger.sqlite").touch()
    options = BatchOptions(model=str(vessel_model.folder), folder=pictures, out=out, device="cpu")
    return RunPlan(spec_of("batch", options), vessel_model, options, out, workers=2)


@pytest.fixture
def cases(pictures) -> list[RunCase]:
    """The eight pictures that can be read."""
    refs = [FileRef(path) for path in sorted(pictures.glob("eye_*.png"))]
    return [RunCase(ref.path.stem, ref, partial(load_image, ref)) for ref in refs]


@dataclasses.dataclass
class Notebook:
    """A book in memory."""

    begun: list[str] = dataclasses.field(default_factory=list)
    entered: dict[str, CaseRecord] = dataclasses.field(default_factory=dict)

    def begin(self, case: RunCase) -> None:
        assert case.case_id not in self.begun
        self.begun.append(case.case_id)

    def enter(self, record: CaseRecord) -> CaseDone | CaseFailed:
        assert record.case_id in self.begun
        assert record.case_id not in self.entered
        self.entered[record.case_id] = record
        if record.status is CaseStatus.DONE:
            return CaseDone(record.case_id, Path(record.source), record)
        return CaseFailed(record.case_id, Path(record.source), record.reason)


@pytest.fixture
def book() -> Notebook:
    """Refuses a case that is begun or entered twice."""
    return Notebook()
