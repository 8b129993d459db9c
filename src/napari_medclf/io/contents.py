"""What goes into a file: samples, their grid, and what the values mean."""

from __future__ import annotations

from dataclasses import dataclass

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind
from napari_medclf.domain.labels import LabelSchema


@dataclass(frozen=True, eq=False)
class Contents:
    """Samples and grid, ready to be written in any format.

    Parameters
    ----------
    data : (K, J, I) or (C, K, J, I)
        In a dtype that is written unchanged.
    schema : LabelSchema or None
        What the values of a label image mean.
    times : tuple of float
        Of each volume of a series in time, in `time_unit` (s or ms); may be empty.
    """

    data: PixelArray
    kind: ChannelKind
    geometry: Geometry
    schema: LabelSchema | None = None
    times: tuple[float, ...] = ()
    time_unit: str = ""
