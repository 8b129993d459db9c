"""Objects in files: examples in, a class for each object out."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from napari_medclf.cli.main import main
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.jobs.objects import read_examples


@pytest.fixture
def files(tmp_path):
    """Twelve discs; every third is bright."""
    shape = (1, 60, 80)
    labels = np.zeros(shape, dtype=np.uint16)
    rows, columns = np.indices(shape[1:])
    rng = np.random.default_rng(0)
    data = rng.normal(100, 3, shape).astype(np.float32)
    for number in range(1, 13):
        j, i = 10 + 20 * ((number - 1) // 4), 10 + 20 * ((number - 1) % 4)
        disc = (rows - j) ** 2 + (columns - i) ** 2 < 36
        labels[0, disc] = number
        data[0, disc] += 60 if number % 3 == 0 else 20
    geometry = Geometry.from_spacing(shape, (1.0, 0.5, 0.5))
    write_image(MedImage(data, geometry, "cells"), tmp_path / "cells.nii.gz")
    schema = LabelSchema.from_names(["cell"], first_value=1)
    write_segmentation(Segmentation(labels, geometry, schema, is_instances=True), tmp_path / "objects.nii.gz")
    (tmp_path / "examples.csv").write_text("index,class\n1,dim\n3,bright\n")
    return tmp_path


def test_two_examples_name_all_objects(files, capsys):
    arguments = ["objects", str(files / "cells.nii.gz"), "--labels", str(files / "objects.nii.gz")]
    arguments += ["--examples", str(files / "examples.csv"), "--out", str(files / "out"), "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"bright": 4, "dim": 8}
    with (files / "out" / "objects.csv").open() as file:
        rows = {int(row["index"]): row for row in csv.DictReader(file)}
    assert [number for number, row in rows.items() if row["class"] == "bright"] == [3, 6, 9, 12]
    assert rows[3]["said_by"] == "person"
    assert rows[6]["said_by"] == "model"
    found = read_label_map(files / "out" / "object_classes.nii.gz")
    objects = read_label_map(files / "objects.nii.gz").labels
    assert set(found.labels[objects == 6].tolist()) == {1}
    assert set(found.labels[objects == 5].tolist()) == {2}


def test_a_table_without_classes_is_refused(files):
    (files / "bad.csv").write_text("number,name\n1,dim\n")
    with pytest.raises(OptionError, match="no column 'index'"):
        read_examples(files / "bad.csv")
