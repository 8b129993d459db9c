"""What a model said, as the groups of a structured report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Scope
from napari_medclf.io.derived.codes import PRIVATE_SCHEME, code_of, private_code

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Classification, Prediction, Regression, Segmentation

_TITLE = "Research use only: findings of a model"
_PREDICTED = CodedConcept(value="PREDICTED", scheme=PRIVATE_SCHEME, meaning="Predicted class")
_GIVEN = CodedConcept(value="GIVEN", scheme=PRIVATE_SCHEME, meaning="Class given by a person")
_NO_CLASS = private_code("none of them")
_VOLUME = CodedConcept(value="118565006", scheme="SCT", meaning="Volume")
_AREA = CodedConcept(value="42798000", scheme="SCT", meaning="Area")
_COUNT = CodedConcept(value="COUNT", scheme=PRIVATE_SCHEME, meaning="Number of objects")
# engine.measure's unit to the quantity and its UCUM unit.
_SIZES = {
    "ml": (_VOLUME, "mL"),
    "mm2": (_AREA, "mm2"),
    "px": (CodedConcept(value="PIXELS", scheme=PRIVATE_SCHEME, meaning="Number of pixels"), "1"),
    "vox": (CodedConcept(value="VOXELS", scheme=PRIVATE_SCHEME, meaning="Number of voxels"), "1"),
}


def report_of(
    prediction: Prediction,
    image: MedImage,
    schema: LabelSchema,
    segmentation_uid: str = "",
    given: tuple[str, ...] | None = None,
) -> MeasurementReport:
    """Gather the scores and sizes of an answer.

    Parameters
    ----------
    schema : LabelSchema
        The model's classes, with the codes they were given.
    segmentation_uid : str
        SOP instance UID of the segmentation that was saved beside; empty without one.
    given : tuple of str or None
        Classes that a person gave to the image after the model; empty for none of them, None where nobody did.
    """
    groups = []
    if prediction.classification is not None:
        groups.append(_scores(prediction.classification, schema, given))
    if prediction.regression is not None:
        groups.append(_numbers(prediction.regression, schema))
    if prediction.segmentation is not None:
        groups += _sizes(prediction.segmentation, segmentation_uid)
    return MeasurementReport(
        name=image.name,
        title=_TITLE,
        groups=tuple(groups),
        algorithm=f"{prediction.model} {prediction.model_version}".strip(),
        warnings=prediction.warnings,
    )


def concept_of(one: LabelClass) -> CodedConcept:
    """Give the code of a class: its own, a standard one that says all of its name, or one made of its name.

    >>> concept_of(LabelClass(value=1, name="ground glass", colour="#E69F00")).value
    'ground-glass'
    """
    found = code_of(one)
    return found.type if found.modifier is None else private_code(one.name)


def _scores(classification: Classification, schema: LabelSchema, given: tuple[str, ...] | None) -> MeasurementGroup:
    concepts = {one.name: concept_of(one) for one in schema.classes}
    by_person = () if given is None else [concepts[name] for name in given] or [_NO_CLASS]
    return MeasurementGroup(
        scope=Scope(classification.scope),
        measurements=tuple(
            Measurement(concepts[name], float(score), "1") for name, score in classification.scores.items()
        ),
        statements=(
            *((_PREDICTED, concepts[name]) for name in classification.decided),
            *((_GIVEN, concept) for concept in by_person),
        ),
    )


def _numbers(regression: Regression, schema: LabelSchema) -> MeasurementGroup:
    concepts = {one.name: concept_of(one) for one in schema.classes}
    return MeasurementGroup(
        scope=Scope.IMAGE,
        measurements=tuple(
            Measurement(concepts[name], float(value), regression.units.get(name, "1"))
            for name, value in regression.values.items()
        ),
    )


def _sizes(segmentation: Segmentation, segmentation_uid: str) -> list[MeasurementGroup]:
    from napari_medclf.engine.measure import class_volumes, object_sizes
    from napari_medclf.io.derived.seg.describe import segment_numbers

    numbers = segment_numbers(segmentation.schema)
    n_objects: Mapping[str, Any] = {}
    if segmentation.is_instances:
        n_objects = {segmentation.schema.foreground[0].name: len(object_sizes(segmentation))}
    groups = []
    for row in class_volumes(segmentation):
        quantity, unit = _SIZES[row.unit]
        measurements = [Measurement(quantity, row.size, unit)]
        if row.class_name in n_objects:
            measurements.append(Measurement(_COUNT, float(n_objects[row.class_name]), "1"))
        one = segmentation.schema.named(row.class_name)
        is_numbered = bool(segmentation_uid) and not segmentation.is_instances and row.n_vox > 0
        groups.append(
            MeasurementGroup(
                tracking_id=one.name,
                finding=concept_of(one),
                scope=Scope.OBJECT,
                measurements=tuple(measurements),
                segment_number=numbers[one.value] if is_numbered else None,
                segmentation_uid=segmentation_uid if is_numbered else "",
            )
        )
    return groups
