"""Scores and sizes become numbers with a meaning and a unit."""

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Classification, Prediction, Scope, Segmentation
from napari_medclf.io.derived.codes import PRIVATE_SCHEME
from napari_medclf.jobs.findings import report_of

GEOMETRY = Geometry.from_spacing((4, 5, 6), (2.0, 5.0, 10.0))
IMAGE = MedImage(np.zeros((4, 5, 6)), GEOMETRY, "ct")
LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
SCHEMA = LabelSchema(
    classes=(
        LabelClass(value=1, name="liver", colour="#E69F00", code=LIVER),
        LabelClass(value=2, name="portal vein, left", colour="#56B4E9"),
    )
)


def test_scores_keep_their_class_and_what_was_decided():
    said = Classification({"liver": 0.25, "portal vein, left": 0.75}, ("portal vein, left",))
    (group,) = report_of(Prediction("m", "1.0", "ct", classification=said), IMAGE, SCHEMA).groups
    assert [(one.name.meaning, one.value, one.unit) for one in group.measurements] == [
        ("Liver", 0.25, "1"),
        ("portal vein, left", 0.75, "1"),
    ]
    ((concept, value),) = group.statements
    assert (concept.meaning, value.meaning, value.scheme) == ("Predicted class", "portal vein, left", PRIVATE_SCHEME)
    assert len(value.value) <= 16
    assert group.scope is Scope.IMAGE


def test_classes_that_a_person_gave_stand_beside_those_of_the_model():
    said = Classification({"liver": 0.25, "portal vein, left": 0.75}, ("portal vein, left",))
    answer = Prediction("m", "1.0", "ct", classification=said)
    for given, expected in ((("liver",), ["Liver"]), ((), ["none of them"]), (None, [])):
        (group,) = report_of(answer, IMAGE, SCHEMA, given=given).groups
        (predicted, _), *by_person = group.statements
        assert predicted.meaning == "Predicted class"
        assert [value.meaning for _, value in by_person] == expected
        assert {concept.meaning for concept, _ in by_person} <= {"Class given by a person"}


def test_sizes_are_millilitres_and_name_their_segment():
    labels = np.zeros(GEOMETRY.shape, np.uint8)
    labels[0, :2, :] = 1
    answer = Prediction("m", "1.0", "ct", segmentation=Segmentation(labels, GEOMETRY, SCHEMA))
    liver, vein = report_of(answer, IMAGE, SCHEMA, segmentation_uid="1.2.3").groups
    assert liver.finding == LIVER
    assert liver.measurements[0].value == pytest.approx(1.2)
    assert liver.measurements[0].unit == "mL"
    assert (liver.segment_number, liver.segmentation_uid) == (1, "1.2.3")
    assert vein.measurements[0].value == 0
    assert vein.segment_number is None  # nothing of it is in the file


def test_objects_are_counted():
    labels = np.zeros(GEOMETRY.shape, np.int32)
    labels[0, 0, 0], labels[1, 2, 3] = 1, 2
    cell = LabelSchema.from_names(["cell"], first_value=1)
    answer = Prediction("m", "1.0", "ct", segmentation=Segmentation(labels, GEOMETRY, cell, is_instances=True))
    (group,) = report_of(answer, IMAGE, cell, "1.2.3").groups
    assert [one.value for one in group.measurements] == pytest.approx([0.2, 2.0])
    assert group.segment_number is None
