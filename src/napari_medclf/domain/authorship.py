"""Who or what made a result, told truthfully in every file that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from napari_medclf.domain.results import Prediction


class Making(StrEnum):
    """How labels came to be: DICOM's Segment Algorithm Type (PS3.3 C.8.20.2)."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    """A person changed what a model said, by one voxel or more."""
    MANUAL = "MANUAL"


@dataclass(frozen=True)
class Authorship:
    """Who made a result.

    Parameters
    ----------
    model, model_version, weights_sha256 : str
        Empty for what a person made alone.
    parameters : tuple of (name, value)
        Settings that the result depends on, such as ("threshold", "0.5").
    author : str
        A chosen pseudonym; empty where nobody is named.
    """

    making: Making
    model: str = ""
    model_version: str = ""
    weights_sha256: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    author: str = ""

    @classmethod
    def of_prediction(cls, prediction: Prediction, *, is_edited: bool = False, author: str = "") -> Authorship:
        """Name the model of an answer that was taken as it is, or changed by a person."""
        making = Making.SEMIAUTOMATIC if is_edited else Making.AUTOMATIC
        return cls(making, prediction.model, prediction.model_version, prediction.weights_sha256, author=author)
