"""Which images a derived object says it was made for, wherever its kind writes that down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.domain.derived import Reference
from napari_medclf.io.dicom import tags

# Sequences that lead to the referenced series of RTSTRUCT (PS3.3 C.8.8.5) and SR (C.17.2.3).
_WAYS_TO_SERIES = {
    "ReferencedSeriesSequence": (),
    "CurrentRequestedProcedureEvidenceSequence": ("ReferencedSeriesSequence",),
    "ReferencedFrameOfReferenceSequence": ("RTReferencedStudySequence", "RTReferencedSeriesSequence"),
}
_INSTANCES = ("ReferencedInstanceSequence", "ReferencedSOPSequence", "ContourImageSequence")


def read_reference(dataset: Any) -> Reference:
    """Collect study, series, instances and frame of reference that a data set names.

    Of several series, it is the one with most instances.
    """
    series = [(tags.text(item, "SeriesInstanceUID"), _instances(item)) for item in _series_items(dataset)]
    series_uid, sop_uids = max(series, key=lambda one: len(one[1]), default=("", ()))
    return Reference(
        study_uid=tags.text(dataset, "StudyInstanceUID"),
        series_uid=series_uid,
        sop_instance_uids=sop_uids or tuple(dict.fromkeys(_source_images(dataset))),
        frame_of_reference_uid=tags.text(dataset, "FrameOfReferenceUID") or _frame_of_reference(dataset),
    )


def items(dataset: Any, keyword: str) -> list[Any]:
    """Items of a sequence; none where it, or the data set itself, is missing."""
    if dataset is None:
        return []
    found = dataset.get(keyword)
    return list(found) if found is not None and not isinstance(found, str | bytes | int | float) else []


def _series_items(dataset: Any) -> Iterator[Any]:
    for start, way in _WAYS_TO_SERIES.items():
        level = items(dataset, start)
        for keyword in way:
            level = [below for item in level for below in items(item, keyword)]
        yield from level


def _instances(series: Any) -> tuple[str, ...]:
    uids = (tags.text(item, "ReferencedSOPInstanceUID") for keyword in _INSTANCES for item in items(series, keyword))
    return tuple(dict.fromkeys(uid for uid in uids if uid))


def _source_images(dataset: Any) -> Iterator[str]:
    """Instances that the frames of a multi-frame object were derived from (PS3.3 C.7.6.16.2.6)."""
    groups = items(dataset, "SharedFunctionalGroupsSequence") + items(dataset, "PerFrameFunctionalGroupsSequence")
    for group in groups:
        for derivation in items(group, "DerivationImageSequence"):
            for source in items(derivation, "SourceImageSequence"):
                yield tags.text(source, "ReferencedSOPInstanceUID")


def _frame_of_reference(dataset: Any) -> str:
    found = items(dataset, "ReferencedFrameOfReferenceSequence")
    return tags.text(found[0], "FrameOfReferenceUID") if found else ""
