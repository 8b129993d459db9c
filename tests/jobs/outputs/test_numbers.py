"""Estimated numbers are written with their units, and as columns of the results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Classification, Prediction, Regression
from napari_medclf.jobs.findings import report_of
from napari_medclf.jobs.outputs.formats import check_formats
from napari_medclf.jobs.outputs.write import write_outputs

_SCHEMA = LabelSchema.from_names(["age", "cells"])
_SHAPE = (1, 5, 7)
_IMAGE = MedImage(np.zeros(_SHAPE, np.uint8), Geometry.from_spacing(_SHAPE, (1.0, 0.5, 0.5)), "film")


def _prediction() -> Prediction:
    return Prediction("older", "1", "film", regression=Regression({"age": 61.25, "cells": 12.0}, {"age": "a"}))


def test_document_holds_each_number_with_its_unit(tmp_path: Path) -> None:
    written = write_outputs(_prediction(), _IMAGE, _SCHEMA, tmp_path)
    document = json.loads((tmp_path / "regression.json").read_text())
    assert document["values"] == {"age": {"value": 61.25, "unit": "a"}, "cells": {"value": 12.0, "unit": ""}}
    assert written.values == {"value:age": 61.25, "value:cells": 12.0}


def test_report_holds_the_numbers_as_measurements_of_the_image() -> None:
    report = report_of(_prediction(), _IMAGE, _SCHEMA)
    assert [(one.value, one.unit) for one in report.groups[0].measurements] == [(61.25, "a"), (12.0, "1")]


def test_labels_cannot_be_written_of_numbers() -> None:
    with pytest.raises(OptionError, match="has no labels to write as nifti"):
        check_formats(Task.REGRESS, ["nifti"])


def test_all_classes_that_were_decided_stand_in_the_results(tmp_path: Path) -> None:
    said = Classification({"mass": 0.7, "edema": 0.6, "hernia": 0.1}, ("mass", "edema"), thresholds={"edema": 0.55})
    schema = LabelSchema.from_names(["mass", "edema", "hernia"])
    written = write_outputs(Prediction("chest", "1", "film", classification=said), _IMAGE, schema, tmp_path)
    assert written.values["decided"] == "mass; edema"
    assert json.loads((tmp_path / "classification.json").read_text())["thresholds"] == {"edema": 0.55}
