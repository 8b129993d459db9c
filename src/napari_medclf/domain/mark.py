"""What a person says about a study, an image, a slice or an object, without painting."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_medclf.domain.results import Scope


class Mark(BaseModel):
    """Classes and a comment for one thing; a later mark of one author about the same thing replaces the earlier one.

    Parameters
    ----------
    scope : Scope
        What it is about; an annotation's own `classes` are those of the image.
    index : int or None
        SLICE: index along `axis`. OBJECT: the value of the object in the instance labels.
    axis : int or None
        SLICE only: 0 = k, 1 = j, 2 = i of the image's own grid.
    classes : tuple of str
        Empty says "none of them"; several where classes do not exclude each other.
    is_unsure : bool
        The person was not sure: such marks are not learned from, and come up again in the work list.
    is_withdrawn : bool
        The person took it back; nothing is said of the thing any more.
    place_mm : (x, y, z) or None
        LPS, of an object's centre, so that it is found again in other labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    case_id: str
    scope: Scope
    index: int | None = Field(default=None, ge=0)
    axis: int | None = Field(default=None, ge=0, le=2)
    classes: tuple[str, ...] = ()
    is_unsure: bool = False
    is_withdrawn: bool = False
    comment: str = ""
    place_mm: tuple[float, float, float] | None = None
    author: str
    created: str

    @property
    def thing(self) -> tuple[Scope, int | None, int | None]:
        """What of its case it is about: scope, axis and index."""
        return (self.scope, self.axis, self.index)

    @property
    def about(self) -> tuple[str, Scope, int | None, int | None]:
        """What it is about: marks that agree in this are about the same thing."""
        return (self.case_id, *self.thing)
