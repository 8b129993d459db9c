"""An image with its place in the patient, its meaning and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

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
    """Volumes that follow each other: data is (T, K, J, I)."""
    COLOUR_TIME = "colour and time"
    """A film in colour, such as ultrasound: data is (T, 3, K, J, I)."""
    CHANNEL = "channel"
    """Several measurements at one place, such as MR sequences or stains."""


class Gaps(StrEnum):
    """What to do with a series whose slices are unevenly far apart, so that no affine places them."""

    REFUSE = "refuse"
    """Say which slices, and how many millimetres."""
    BLANK = "blank"
    """Leave missing slices empty (lowest value); only where every gap is a whole number of steps."""
    RESAMPLE = "resample"
    """Interpolate along the normal to even steps; `Source.acquired_k` leads back to the slices."""


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
    study_uid, series_uid, sop_instance_uids :
        DICOM identifiers; the last one an acquired slice, in the order of axis k. Of several times the
        first; all alike for the frames of a multi-frame object.
    frame_numbers : tuple of int
        For a multi-frame object the frame (from 1) of each acquired slice; empty for single-frame files.
    files : tuple of Path
        The file of each acquired slice; one for a multi-frame object.
    acquired_k : tuple of float
        Where each acquired slice lies along axis k. Empty where slice n lies at k = n, which is so unless
        gaps of a series were filled (see `Gaps`).
    description : str
        Such as DICOM's Series Description.
    """

    path: Path
    member: str = ""
    digest: str = ""
    patient_key: str = ""
    study_uid: str = ""
    series_uid: str = ""
    sop_instance_uids: tuple[str, ...] = ()
    frame_numbers: tuple[int, ...] = ()
    files: tuple[Path, ...] = ()
    acquired_k: tuple[float, ...] = ()
    description: str = ""


@dataclass(frozen=True, eq=False)
class MedImage:
    """Samples on a grid.

    Parameters
    ----------
    data : (K, J, I), (C, K, J, I), or (T, 3, K, J, I) for a film in colour
        Rescaled samples in native byte order; C is told by `channel_kind`. A dask array where the
        image is too large for the memory (`is_lazy`).
    geometry : Geometry
        Of the last three axes.
    name : str
        Short and safe to show and to build a file name from: never a patient's name.
    modality : str
        DICOM's code (CT, MR, CR, OP = fundus photograph, SM = microscopy ...), or empty.
    channel_values : tuple of float
        Where each channel lies on an axis with a unit, such as the time of each volume; may be empty.
    channel_unit : str
        Of `channel_values`: s, ms; empty without.
    window : (lowest, highest) or None
        Contrast limits in sample values, for the display only.
    limits : (lowest, highest) or None
        What the samples could be at most, as far as the file tells: of 12 stored bits 0 and 4095, rescaled.
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
    channel_values: tuple[float, ...] = ()
    channel_unit: str = ""
    window: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    source: Source = field(default_factory=lambda: Source(Path()))
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected_ndim = {ChannelKind.NONE: 3, ChannelKind.COLOUR_TIME: 5}.get(self.channel_kind, 4)
        if self.data.ndim != expected_ndim or self.data.shape[-3:] != self.geometry.shape:
            raise GridError(
                f"{self.name}: an image with {self.channel_kind} channels on a grid of {self.geometry.shape} "
                f"cannot hold an array of shape {self.data.shape}."
            )
        if self.channel_values and len(self.channel_values) != self.n_channels:
            raise GridError(f"{self.name}: {len(self.channel_values)} channel values for {self.n_channels} channels.")

    @property
    def is_lazy(self) -> bool:
        """Whether samples are read when they are looked at; ``numpy.asarray(image.data)`` reads them all."""
        return not isinstance(self.data, np.ndarray)

    @property
    def is_flat(self) -> bool:
        """Whether this is a picture of one slice."""
        return self.geometry.is_flat

    @property
    def n_channels(self) -> int:
        """Length of the leading axis, 1 without one."""
        return 1 if self.channel_kind is ChannelKind.NONE else int(self.data.shape[0])
