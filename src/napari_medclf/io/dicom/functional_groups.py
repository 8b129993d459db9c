"""Frames of one enhanced multi-frame object, each looking like a data set of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError

# Where an attribute of a frame is kept, PS3.3 C.7.6.16.2 and the functional groups of each object.
_GROUP_OF = {
    **dict.fromkeys(("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"), "PixelMeasuresSequence"),
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "ImagePositionVolume": "PlanePositionVolumeSequence",
    "ImageOrientationVolume": "PlaneOrientationVolumeSequence",
    **dict.fromkeys(
        ("RescaleSlope", "RescaleIntercept", "RescaleType"),
        "PixelValueTransformationSequence",
    ),
    **dict.fromkeys(
        ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
        "FrameVOILUTSequence",
    ),
    **dict.fromkeys(
        (
            "StackID",
            "InStackPositionNumber",
            "TemporalPositionIndex",
            "DimensionIndexValues",
            "FrameAcquisitionNumber",
            "FrameAcquisitionDateTime",
            "FrameReferenceDateTime",
        ),
        "FrameContentSequence",
    ),
    "TemporalPositionTimeOffset": "TemporalPositionSequence",
    "NominalCardiacTriggerDelayTime": "CardiacSynchronizationSequence",
    "NominalPercentageOfCardiacPhase": "CardiacSynchronizationSequence",
    "ConvolutionKernel": "CTReconstructionSequence",
    "KVP": "CTXRayDetailsSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "DiffusionGradientOrientation": "DiffusionGradientDirectionSequence",
}
_FRAME_TYPES = (
    "CTImageFrameTypeSequence",
    "MRImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "XAXRFFrameTypeSequence",
)
# A place that holds for all frames would put them on top of each other.
_NEVER_FROM_ABOVE = frozenset(("ImagePositionPatient", "ImagePositionVolume", "ImageType"))


class Frame:
    """One frame: what its own group says, else what all share, else what the object says.

    Answers `get` and ``in`` as a pydicom data set does.
    """

    def __init__(self, number: int, own: Any, common: _Common) -> None:
        self.number = number
        self._own = _Group(own)
        self._common = common

    def get(self, keyword: str, default: Any = None) -> Any:
        """Value of an element, or `default`."""
        value = self._own.get(keyword)
        if value is None:
            value = self._common.get(keyword)
        return default if value is None else value

    def __contains__(self, keyword: str) -> bool:
        return self.get(keyword) is not None


class _Group:
    """The functional groups of one frame, or the shared ones."""

    def __init__(self, groups: Any) -> None:
        self._groups = groups
        self._present = frozenset(groups.keys()) if groups is not None else frozenset()

    def get(self, keyword: str) -> Any:
        """Value of an element in the group that it belongs to; None where it is missing or empty."""
        if keyword == "ImageType":
            found = [self._value(name, "FrameType") for name in _FRAME_TYPES]
            return next((value for value in found if value is not None), None)
        if keyword == "DiffusionGradientOrientation":
            direction = self._value("MRDiffusionSequence", _GROUP_OF[keyword])
            return None if not direction else _filled(direction[0].get(keyword))
        return self._value(_GROUP_OF[keyword], keyword) if keyword in _GROUP_OF else None

    def _value(self, sequence: str, keyword: str) -> Any:
        if _tag_of(sequence) not in self._present:
            return None
        item = _first(self._groups, sequence)
        return None if item is None else _filled(item.get(keyword))


class _Common:
    """What all frames of an object share; each element is looked up once."""

    def __init__(self, dataset: Any, shared: Any) -> None:
        self._dataset = dataset
        self._shared = _Group(shared)
        self._known: dict[str, Any] = {}

    def get(self, keyword: str) -> Any:
        """Value of an element, None where it is missing or empty."""
        if keyword not in self._known:
            value = self._shared.get(keyword)
            if value is None and keyword not in _NEVER_FROM_ABOVE:
                value = _filled(self._dataset.get(keyword))
            self._known[keyword] = value
        return self._known[keyword]


def frames_of(path: Path, dataset: Any, n_frames: int) -> tuple[Frame, ...]:
    """Give the frames of an object that describes them one by one; none for all other objects.

    Raises
    ------
    ReadError
        If it describes more or fewer frames than it declares.
    """
    described = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    common = _Common(dataset, shared)
    if described is None or len(described) == 0:
        return (Frame(1, None, common),) if shared is not None and n_frames == 1 else ()
    if len(described) != n_frames:
        raise ReadError(path, f"declares {n_frames} frames and describes {len(described)} of them; it is damaged")
    return tuple(Frame(number, own, common) for number, own in enumerate(described, start=1))


def _filled(value: Any) -> Any:
    return None if value is None or (isinstance(value, str) and value == "") else value


@cache
def _tag_of(keyword: str) -> int | None:
    from pydicom.datadict import tag_for_keyword

    return tag_for_keyword(keyword)


def _first(holder: Any, keyword: str) -> Any:
    """First item of a sequence; None where it is missing, empty or no sequence."""
    items = holder.get(keyword)
    if items is None or isinstance(items, (str, bytes)) or not hasattr(items, "__getitem__"):
        return None
    return items[0] if len(items) else None
