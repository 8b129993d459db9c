"""A folder of everything that real folders hold: the ledger's counts are what was planted, and no file is silent."""

import importlib.util
import sys
from pathlib import Path

import pytest

from napari_medclf.domain.run import CaseStatus, SkipKind
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.batch.plan import plan_batch
from napari_medclf.store.runs import RunFolder

N_ENTRIES = 60  # benchmarks/mixed_folder.py does two thousand


@pytest.fixture
def mixed():
    """The benchmark, as a module."""
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "mixed_folder.py"
    spec = importlib.util.spec_from_file_location("mixed_folder", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["mixed_folder"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mixed_folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among files")
def test_the_ledger_counts_what_was_planted(mixed, shared_data, tmp_path):
    counts = mixed.build(tmp_path / "images", shared_data, N_ENTRIES)
    assert sum(counts.values()) == N_ENTRIES
    options = BatchOptions(
        model=mixed.MODEL, folder=tmp_path / "images", out=tmp_path / "out", exclude=(mixed.LEFT_OUT,), device="cpu"
    )

    plan = run(plan_batch(options))
    record = run(batch(options))

    assert mixed.ledger_counts(options.out) == mixed.planted(counts)
    told = {path for row in plan.rows for path in row.files}
    assert [path for path in mixed.files_below(options.folder) if path not in told] == []
    assert all(case.reason for case in record.cases if case.status in (CaseStatus.SKIPPED, CaseStatus.FAILED))
    assert len({case.case_id for case in record.cases}) == len({case.source for case in record.cases}) == N_ENTRIES
    assert {row.record.source for row in plan.rows} == set(RunFolder(options.out).records())
    copies = [case for case in record.cases if case.skipped_as is SkipKind.COPY]
    assert all("same image as part00/" in case.reason for case in copies)
