"""An image with its place in the patient, its meaning and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry


class Scale(StrEnum):
    """What a sample's number means."""

    HU = "HU"
    SUV = "SUV"
    RAW = "raw"
    """Scanner units without a fixed meaning, such as MR."""
    DISPLAY = "display"
    """Made to be looked at, such as a photograph or a screen capture."""


class ChannelKind(StrEnum):
    """What the leading axis of an image is."""

    NONE = "none"
    """There is no leading axis: data is (K, J, I)."""
    COLOUR = "colour"
    """Red, green, blue: data is (3, K, J, I)."""
    TIME = "time"
    CHANNEL = "channel"
    """Several measurements at one place, such as MR sequences or stains."""


@dataclass(frozen=True)
class Source:
    """Where an image came from; holds nothing that names a patient.

    Parameters
    ----------
    path : Path
        File, or folder of a series.
    member : str
        Which image inside the path: a series UID, ``"train/17"`` of an npz, a page; may be empty.
    digest : str
        SHA-256 of the samples in array order with dtype and shape; empty where not computed yet.
    patient_key : str
        A hash of the patient's identifier, to group cases without naming anybody; may be empty.
    series_uid, sop_instance_uids :
        DICOM identifiers; the latter one a slice, in the order of axis k.
    description : str
        Such as DICOM's Series Description.
    """

    path: Path
    member: str = ""
    digest: str = ""
    patient_key: str = ""
    series_uid: str = ""
    sop_instance_uids: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, eq=False)
class MedImage:
    """Samples on a grid.

    Parameters
    ----------
    data : (K, J, I) or (C, K, J, I)
        Rescaled samples in native byte order; C is told by `channel_kind`.
    geometry : Geometry
        Of the last three axes.
    name : str
        Short and safe to show and to build a file name from: never a patient's name.
    modality : str
        DICOM's code (CT, MR, CR, OP = fundus photograph, SM = microscopy ...), or empty.
    window : (lowest, highest) or None
        Contrast limits in sample values, for the display only.
    warnings : tuple of str
        Sentences about what is odd with this image.

    Raises
    ------
    GridError
        If data and geometry disagree.
    """

    data: PixelArray
    geometry: Geometry
    name: str
    modality: str = ""
    scale: Scale = Scale.RAW
    channel_kind: ChannelKind = ChannelKind.NONE
    channel_names: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    source: Source = field(default_factory=lambda: Source(Path()))
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected_ndim = 3 if self.channel_kind is ChannelKind.NONE else 4
        if self.data.ndim != expected_ndim or self.data.shape[-3:] != self.geometry.shape:
            raise GridError(
                f"{self.name}: an image with {self.channel_kind} channels on a grid of {self.geometry.shape} "
                f"cannot hold an array of shape {self.data.shape}."
            )

    @property
    def is_flat(self) -> bool:
        """Whether this is a picture of one slice."""
        return self.geometry.is_flat

    @property
    def n_channels(self) -> int:
        """Length of the leading axis, 1 without one."""
        return 1 if self.channel_kind is ChannelKind.NONE else int(self.data.shape[0])
