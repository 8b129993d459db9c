"""What a person leaves out stays out, and what is left out is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import exclude_cases, open_dataset, read_exclusions, write_exclusions


@pytest.fixture
def folder(make_files) -> Path:
    return make_files("well/a.png", "well/b.png", "ill/c.png", "ill/d.png")


def test_written_reasons_come_back(tmp_path: Path) -> None:
    write_exclusions(tmp_path / "exclude.json", {"ill-c": "blurred", "well-a": ""})
    assert read_exclusions(tmp_path / "exclude.json") == {"ill-c": "blurred", "well-a": ""}


@pytest.mark.parametrize("text", ['["ill-c"]', '{"exclude": ["ill-c"]}', '{"exclude": {"ill-c": "why"}}'])
def test_every_form_leaves_the_case_out_and_says_so(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "out.json").write_text(text)
    kept = exclude_cases(open_dataset(folder), read_exclusions(tmp_path / "out.json"))
    assert [case.case_id for case in kept.cases] == ["ill-d", "well-a", "well-b"]
    assert kept.warnings[-1] == "1 of 4 cases are excluded."


def test_excluded_case_that_is_not_here_is_told(folder: Path) -> None:
    assert "1 excluded cases are not here, such as 'x'." in exclude_cases(open_dataset(folder), {"x": ""}).warnings


def test_excluding_everything_is_refused(folder: Path) -> None:
    dataset = open_dataset(folder)
    with pytest.raises(DatasetError, match="all 4 cases are excluded"):
        exclude_cases(dataset, {case.case_id: "" for case in dataset.cases})


@pytest.mark.parametrize("text", ["7", '{"left_out": []}', "[1, 2]"])
def test_file_in_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "out.json").write_text(text)
    with pytest.raises(DatasetError, match="expected"):
        read_exclusions(tmp_path / "out.json")
