import csv
import json

import numpy as np
import pytest

from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.io.tables import write_points, write_report_csv

VOLUME = CodedConcept(value="118565006", scheme="SCT", meaning="Volume")
LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
PREDICTED = CodedConcept(value="predicted", scheme="99MEDCLF", meaning="Predicted class")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_points_keep_every_digit_and_know_their_voxel(tmp_path, phantom):
    points = phantom.geometry.to_world(np.array([[3, 14, 6], [0.5, 2.25, 1 / 3]]))
    for suffix in (".csv", ".json"):
        write_points(points, ["tumour", "Gefäß"], tmp_path / f"a{suffix}", phantom.geometry)
    rows = rows_of(tmp_path / "a.csv")
    assert [row["label"] for row in rows] == ["tumour", "Gefäß"]
    assert [[float(row[f"{axis}_mm"]) for axis in "xyz"] for row in rows] == points.tolist()
    assert [float(rows[0][axis]) for axis in "kji"] == [3, 14, 6]
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert document["frame"] == "LPS"
    assert document["points"][1]["label"] == "Gefäß"
    assert document["points"][1]["x_mm"] == points[1, 0]


def test_report_has_one_row_a_number_or_statement(tmp_path):
    group = MeasurementGroup(
        finding=LIVER,
        measurements=(Measurement(VOLUME, 12.5, "mL"),),
        statements=((PREDICTED, LIVER),),
        segment_number=2,
    )
    report = MeasurementReport("r", "Measurements", (group, MeasurementGroup()))
    write_report_csv(report, tmp_path / "r.csv")
    volume, predicted = rows_of(tmp_path / "r.csv")
    assert volume == {
        "scope": "image", "finding": "Liver", "finding_code": "SCT:10200004", "segment_number": "2",
        "name": "Volume", "name_code": "SCT:118565006", "value": "12.5", "unit": "mL",
    }  # fmt: skip
    assert (predicted["name"], predicted["value"], predicted["unit"]) == ("Predicted class", "Liver", "")


def test_spreadsheets_find_no_formula_and_numbers_stay_numbers(tmp_path):
    write_points(np.array([[-1.5, 2, 3]]), ["=cmd|'/c calc'!A1"], tmp_path / "a.csv")
    (row,) = rows_of(tmp_path / "a.csv")
    assert row["label"].startswith("'=")
    assert row["x_mm"] == "-1.5"


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(WriteError, match=r"\.csv or \.json"):
        write_points(np.zeros((1, 3)), ["a"], tmp_path / "a.txt")
    with pytest.raises(WriteError, match="finite"):
        write_points(np.array([[np.nan, 0, 0]]), ["a"], tmp_path / "a.csv")
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="could not be written"):
        write_points(np.zeros((1, 3)), ["a"], tmp_path / "file" / "a.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("suffix", "part", "spoil"),
    [
        (".csv", "_csv", lambda text: text.replace("12.5", "12.4")),
        (".csv", "_csv", lambda text: "".join(text.splitlines(keepends=True)[:-1])),
        (".json", "_json", lambda text: text.replace("12.5", "12.4")),
    ],
)
def test_table_that_comes_back_different_is_not_saved(monkeypatch, tmp_path, suffix, part, spoil):
    from napari_medclf.io import tables

    genuine = getattr(tables, part)
    monkeypatch.setattr(tables, part, lambda *arguments: spoil(genuine(*arguments)))
    with pytest.raises(WriteError, match="came back with other points"):
        write_points(np.array([[12.5, 1, 2], [3, 4, 5]]), ["a", "b"], tmp_path / f"points{suffix}")
    assert not list(tmp_path.iterdir())
