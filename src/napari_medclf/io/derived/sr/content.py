"""Scores and measurements as the content of a TID 1500 report, in highdicom's templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.derived import Measurement, MeasurementGroup
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.domain.results import Scope
from napari_medclf.io.derived.codes import PRIVATE_SCHEME
from napari_medclf.io.derived.equipment import device_serial_number, device_uid
from napari_medclf.io.derived.patient_study import MANUFACTURER, person_name
from napari_medclf.io.derived.sr.read import SCOPE

_IMAGING = CodedConcept(value="363679005", scheme="SCT", meaning="Imaging procedure")
# Names of units as UCUM prints them; another unit is named by its code.
_UNITS = {
    "1": "no units",
    "mL": "milliliter",
    "mm": "millimeter",
    "mm2": "square millimeter",
    "mm3": "cubic millimeter",
}


@dataclass(frozen=True, eq=False)
class SegmentFile:
    """The segmentation that measurements are about, as its own file names it."""

    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str


def build_content(
    groups: Sequence[MeasurementGroup],
    authorship: Authorship,
    images: Sequence[tuple[str, str, tuple[int, ...]]],
    source_series_uid: str,
    segmentation: SegmentFile | None,
) -> Any:
    """Build the root of the content tree.

    Parameters
    ----------
    images : sequence of (SOP class UID, SOP instance UID, frame numbers)
        The acquired slices; frame numbers are empty for single-frame instances.

    Notes
    -----
    TID 1500, with TID 1411 for what is said about a segment and TID 1501 for the rest; TID 4019 names the algorithm at
    each measurement, and TID 1002 to 1004 the device and, where one is given, the person (DICOM PS3.16).
    """
    from highdicom.sr import MeasurementReport, SourceImageForMeasurementGroup, SourceSeriesForSegmentation

    sources = [SourceImageForMeasurementGroup(kind, uid, list(frames) or None) for kind, uid, frames in images]
    series = SourceSeriesForSegmentation(source_series_uid)
    built = [_group(one, authorship, sources, series, segmentation) for one in groups]
    return MeasurementReport(
        observation_context=_observers(authorship),
        procedure_reported=_coded(_IMAGING),
        imaging_measurements=built,
    )[0]


def _observers(authorship: Authorship) -> Any:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
        PersonObserverIdentifyingAttributes,
    )
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=authorship.model or MANUFACTURER,
        serial_number=device_serial_number(),
    )
    person = None
    if authorship.author:
        attributes = PersonObserverIdentifyingAttributes(name=person_name(authorship.author))
        person = ObserverContext(observer_type=codes.DCM.Person, observer_identifying_attributes=attributes)
    return ObservationContext(
        observer_person_context=person,
        observer_device_context=ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device),
    )


def _group(
    group: MeasurementGroup, authorship: Authorship, sources: list[Any], series: Any, segmentation: SegmentFile | None
) -> Any:
    from highdicom.sr import (
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        ReferencedSegment,
        TrackingIdentifier,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )

    algorithm = _algorithm(authorship)
    common: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=group.tracking_uid, identifier=group.tracking_id),
        "finding_type": None if group.finding is None else _coded(group.finding),
        "measurements": [_measurement(one, algorithm) for one in group.measurements],
        "qualitative_evaluations": [QualitativeEvaluation(_coded(name), _coded(value)) for name, value in _said(group)],
    }
    if segmentation is None or group.segment_number is None:
        return MeasurementsAndQualitativeEvaluations(source_images=sources, **common)
    segment = ReferencedSegment(
        sop_class_uid=segmentation.sop_class_uid,
        sop_instance_uid=segmentation.sop_instance_uid,
        segment_number=group.segment_number,
        source_series=series,
    )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **common)


def _said(group: MeasurementGroup) -> list[tuple[CodedConcept, CodedConcept]]:
    """Add the scope where a reader could not tell it from what is referenced."""
    said = list(group.statements)
    if group.segment_number is None and group.scope is not Scope.IMAGE:
        scope = CodedConcept(value=group.scope.upper(), scheme=PRIVATE_SCHEME, meaning=group.scope.capitalize())
        said.append((SCOPE, scope))
    return said


def _measurement(measurement: Measurement, algorithm: Any) -> Any:
    from highdicom.sr import CodedConcept as Coded
    from highdicom.sr import Measurement as Item

    unit = measurement.unit
    return Item(
        name=_coded(measurement.name),
        value=float(measurement.value),
        unit=Coded(unit, "UCUM", _UNITS.get(unit, unit)),
        algorithm_id=algorithm,
        derivation=None if measurement.derivation is None else _coded(measurement.derivation),
    )


def _algorithm(authorship: Authorship) -> Any:
    if not authorship.model:
        return None
    from highdicom.sr import AlgorithmIdentification

    parameters = [f"{name}={value}" for name, value in authorship.parameters]
    if authorship.weights_sha256:
        parameters.append(f"weights_sha256={authorship.weights_sha256}")
    return AlgorithmIdentification(
        name=authorship.model, version=authorship.model_version or "unknown", parameters=parameters or None
    )


def _coded(concept: CodedConcept) -> Any:
    from highdicom.sr import CodedConcept as Coded

    return Coded(concept.value, concept.scheme, concept.meaning)
