"""Columns that sort cases become facts, numbers become values, and nobody is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import Hints, open_dataset
from napari_medclf.store.datasets.table_roles import is_personal

_REGRESS = Hints(task=Task.REGRESS)


@pytest.fixture
def images(make_files) -> Path:
    return make_files("a.png", "b.png", "c.png", "d.png")


def _table(folder: Path, *lines: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_sex_age_and_site_are_facts_and_names_are_not(images: Path) -> None:
    table = _table(
        images,
        "path,label,patient,sex,age,site,patient_name,comment",
        "a.png,ill,p1,F,61,north,SECRET^JANE,seen by Dr. X",
        "b.png,well,p2,M,n/a,south,SECRET^JOHN,",
        "c.png,well,p3,F,40,north,SECRET^JACK,again",
    )
    cases = open_dataset(table).cases
    assert cases[0].facts == {"sex": "F", "age": "61", "site": "north"}
    assert cases[1].facts == {"sex": "M", "site": "south"}
    assert cases[1].stratum == "south"
    assert "SECRET" not in repr(cases)


@pytest.mark.parametrize(
    "column", ["Name", "PatientName", "date_of_birth", "MRN", "study_uid", "file", "referring doctor"]
)
def test_column_that_may_name_a_person_is_known(column: str) -> None:
    assert is_personal(column)


@pytest.mark.parametrize("column", ["pathology", "age", "manufacturer", "profile", "fluid", "stage"])
def test_column_that_names_nobody_is_kept(column: str) -> None:
    assert not is_personal(column)


def test_text_that_differs_in_every_row_is_no_fact(images: Path) -> None:
    table = _table(images, "path,label,series", "a.png,x,one", "b.png,y,two", "c.png,y,three")
    assert open_dataset(table).cases[0].facts == {}


def test_numbers_are_what_a_regression_learns(images: Path) -> None:
    table = _table(images, "path,sex,ef,age", "a.png,F,61.5,40", "b.png,M,38,50", "c.png,M,,60")
    dataset = open_dataset(table, hints=_REGRESS)
    assert dataset.schema.names == ("ef", "age")
    assert [dict(case.values) for case in dataset.cases] == [{"ef": 61.5, "age": 40}, {"ef": 38, "age": 50}]
    assert any("1 rows of labels.csv have no number" in warning for warning in dataset.warnings)
    one = open_dataset(table, hints=Hints(task=Task.REGRESS, label_columns=("ef",)))
    assert one.cases[0].values == {"ef": 61.5}
    assert one.cases[0].facts == {"sex": "F", "age": "40"}


def test_word_among_numbers_is_told_with_its_line(images: Path) -> None:
    table = _table(images, "path,label", "a.png,1.5", "b.png,two", "c.png,3")
    with pytest.raises(DatasetError, match="line 3: label is 'two', and a number was expected"):
        open_dataset(table, hints=_REGRESS)


def test_classes_joined_by_a_bar_are_several_and_no_finding_is_none(images: Path) -> None:
    table = _table(
        images, "Image Index,Finding Labels,Patient ID", "a.png,Mass|Effusion,1", "b.png,No Finding,1", "c.png,Mass,2"
    )
    dataset = open_dataset(table)
    assert dataset.schema.names == ("Effusion", "Mass")
    assert [case.classes for case in dataset.cases] == [("Mass", "Effusion"), (), ("Mass",)]
    assert [case.group_id for case in dataset.cases] == ["1", "1", "2"]
    assert not dataset.is_exclusive


def test_columns_of_channels_become_roles(make_files) -> None:
    folder = make_files("a1.png", "a2.png", "b1.png", "b2.png", "c1.png", "c2.png")
    table = _table(
        folder, "case_id,path:T1,path:T2,label", "a,a1.png,a2.png,x", "b,b1.png,b2.png,y", "c,c1.png,c2.png,y"
    )
    first = open_dataset(table).cases[0]
    assert first.case_id == "a"
    assert first.images == {"T1": FileRef(folder / "a1.png"), "T2": FileRef(folder / "a2.png")}


def test_blood_cells_are_counted_per_picture(shared_data: Path) -> None:
    if not (shared_data / "bccd_multilabel").is_dir():
        pytest.skip("the dataset bccd_multilabel is not beside this repository")
    dataset = open_dataset(shared_data / "bccd_multilabel", hints=_REGRESS)
    assert dataset.schema.names == ("n_WBC", "n_RBC", "n_Platelets")
    assert dataset.cases[0].values == {"n_WBC": 1, "n_RBC": 15, "n_Platelets": 0}


def test_index_beside_image_folders_tells_the_kind_of_nuclei(shared_data: Path) -> None:
    if not (shared_data / "nuclei_dsb2018").is_dir():
        pytest.skip("the dataset nuclei_dsb2018 is not beside this repository")
    dataset = open_dataset(shared_data / "nuclei_dsb2018", hints=Hints(task=Task.INSTANCES))
    case = next(one for one in dataset.cases if one.case_id == "b4d902d42c93dea7")
    assert case.facts["kind"] == case.stratum == "fluorescence"
    assert case.facts["n_nuclei"] == "17"
