"""The page of a run and its table tell every case, escape what comes from outside, and load nothing."""

from __future__ import annotations

import csv
import io
import re

import numpy as np

from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord, RunSpec
from napari_medclf.jobs.triage.histogram import histogram_figure
from napari_medclf.jobs.triage.listing import triage_csv
from napari_medclf.jobs.triage.page import RunSummary, run_page
from napari_medclf.jobs.triage.score import rank_cases
from napari_medclf.jobs.triage.tally import Tally
from napari_medclf.jobs.triage.thumbnail import encode, thumbnail_path


def _record() -> RunRecord:
    done = [
        CaseRecord(
            case_id=f"case_{n}",
            source=f"in/case_{n}.nii.gz",
            status=CaseStatus.DONE,
            values={"volume_ml:liver": 1500.0 + 20 * n if n else 3.0, "top_class": "ill"},
        )
        for n in range(12)
    ]
    bad = CaseRecord(case_id="<b>bad</b>", source="in/bad", status=CaseStatus.FAILED, reason="is <cut> short")
    junk = [
        CaseRecord(case_id=f"junk_{n}", source=f"in/{n}", status=CaseStatus.SKIPPED, reason="is no image")
        for n in range(3)
    ]
    return RunRecord(
        spec=RunSpec(command="batch", options={"model": "no-such-model", "folder": "in"}),
        model="no-such-model",
        weights_sha256="ab" * 32,
        finish_reason=FinishReason.COMPLETED,
        started="2026-01-01T00:00:00+00:00",
        elapsed_s=12.0,
        cases=(bad, *junk, *done),
    )


def test_page_shows_worst_case_first_with_its_picture_and_every_reason(tmp_path) -> None:
    record = _record()
    path = thumbnail_path(tmp_path, "case_0")
    path.parent.mkdir()
    path.write_bytes(encode(np.zeros((9, 9, 3), np.uint8)))
    rows = rank_cases(record.cases)
    tally = Tally.of(record.cases, [row.case_id for row in rows])
    text = run_page(tmp_path, RunSummary(record, tally, rows, [row.score for row in rows]))
    figures = re.findall(r"<figure>(.*?)</figure>", text)
    first = next(one for one in figures if "case_" in one)
    assert "case_0" in first
    assert "data:image/jpeg;base64," in first
    assert "Volume of liver (ml) is 3, usually" in first
    assert "<td>3</td><td>is no image</td>" in text
    assert text.index("<td>failed</td>") < text.index("<td>skipped</td>")
    assert "Begun 2026-01-01 00:00 UTC" in text
    assert "default-src 'none'" in text
    assert "is &lt;cut&gt; short" in text
    assert "<b>bad" not in text
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    assert "Histogram of Volume of liver (mL)" in text


def test_table_has_a_row_for_every_answer_in_the_order_of_the_list() -> None:
    record = _record()
    rows = rank_cases(record.cases)
    read = list(csv.DictReader(io.StringIO("".join(triage_csv(rows)))))
    assert [one["case_id"] for one in read] == [row.case_id for row in rows]
    assert read[0]["source"] == "in/case_0.nii.gz"
    assert float(read[0]["size"]) > 0.5
    assert "Volume of liver" in read[0]["why"]


def test_histogram_of_equal_numbers_says_so_and_of_none_is_not_drawn() -> None:
    assert histogram_figure("volume", [float("nan")]) is None
    assert "2 in all 3 cases." in str(histogram_figure("volume", [2.0, 2.0, 2.0]))
    assert "2.5" in str(histogram_figure("volume", [2.5]))
    assert "in the only case." in str(histogram_figure("volume", [2.5]))
