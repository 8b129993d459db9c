"""Frames of one enhanced multi-frame object, each looking like a data set of its own."""

from __future__ import annotations

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

    def __init__(self, dataset: Any, number: int, own: Any, shared: Any) -> None:
        self.number = number
        self._dataset = dataset
        self._groups = tuple(group for group in (own, shared) if group is not None)

    def get(self, keyword: str, default: Any = None) -> Any:
        """Value of an element, or `default`."""
        for found in self._homes(keyword):
            value = found.get(keyword)
            if value is not None and value != "":
                return value
        return default

    def __contains__(self, keyword: str) -> bool:
        return self.get(keyword) is not None

    def _homes(self, keyword: str) -> list[Any]:
        homes: list[Any] = []
        for group in self._groups:
            if keyword == "ImageType":
                homes += [_FrameType(item) for name in _FRAME_TYPES if (item := _first(group, name)) is not None]
            elif keyword == "DiffusionGradientOrientation":
                diffusion = _first(group, "MRDiffusionSequence")
                homes.append(None if diffusion is None else _first(diffusion, _GROUP_OF[keyword]))
            elif keyword in _GROUP_OF:
                homes.append(_first(group, _GROUP_OF[keyword]))
        if keyword not in _NEVER_FROM_ABOVE:
            homes.append(self._dataset)
        return [home for home in homes if home is not None]


class _FrameType:
    """FrameType under the name that it has in single-frame objects."""

    def __init__(self, item: Any) -> None:
        self._item = item

    def get(self, _keyword: str) -> Any:
        return self._item.get("FrameType")


def frames_of(path: Path, dataset: Any, n_frames: int) -> tuple[Frame, ...]:
    """Give the frames of an object that describes them one by one; none for all other objects.

    Raises
    ------
    ReadError
        If it describes more or fewer frames than it declares.
    """
    described = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    if described is None or len(described) == 0:
        return (Frame(dataset, 1, None, shared),) if shared is not None and n_frames == 1 else ()
    if len(described) != n_frames:
        raise ReadError(path, f"declares {n_frames} frames and describes {len(described)} of them; it is damaged")
    return tuple(Frame(dataset, number, own, shared) for number, own in enumerate(described, start=1))


def _first(holder: Any, keyword: str) -> Any:
    """First item of a sequence; None where it is missing, empty or no sequence."""
    items = holder.get(keyword)
    if items is None or isinstance(items, (str, bytes)) or not hasattr(items, "__getitem__"):
        return None
    return items[0] if len(items) else None
