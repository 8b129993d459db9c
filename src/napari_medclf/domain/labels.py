"""What the numbers in a label image and the columns of a score table mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_medclf.domain.errors import SchemaError, unknown_choice

_MOST_SHOWN = 10
# Okabe & Ito 2008: eight colours that colour-blind people tell apart; black is left out.
_PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")


class CodedConcept(BaseModel):
    """A code with its scheme and meaning, such as SNOMED CT 10200004 "Liver" (DICOM PS3.3 8.8)."""

    model_config = ConfigDict(frozen=True)

    value: str
    scheme: str
    meaning: str


class LabelClass(BaseModel):
    """One class: its value in label images, its name and its colour."""

    model_config = ConfigDict(frozen=True)

    value: int = Field(ge=0)
    name: str = Field(min_length=1)
    colour: str = Field(pattern=r"^#[0-9A-Fa-f]{6}$")
    code: CodedConcept | None = None


class LabelSchema(BaseModel):
    """The classes of a task, matched by name or code and never by position.

    For segmentation, value 0 is the background and need not be listed. For classification, every
    class is listed, and the model's output channel n is ``classes[n]``.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[LabelClass, ...]

    @model_validator(mode="after")
    def _check_unique(self) -> LabelSchema:
        for kind, seen in (("name", self.names), ("value", self.values)):
            repeated = sorted(str(item) for item, n in Counter[int | str](seen).items() if n > 1)
            if repeated:
                raise ValueError(f"each class {kind} may stand once; repeated: {repeated[:_MOST_SHOWN]}")
        return self

    @classmethod
    def from_names(cls, names: Sequence[str], *, first_value: int = 0) -> LabelSchema:
        """Number names in order and give each a colour that stays the same.

        >>> LabelSchema.from_names(["liver", "spleen"], first_value=1).names
        ('liver', 'spleen')
        """
        return cls(
            classes=tuple(
                LabelClass(value=first_value + position, name=name, colour=_PALETTE[position % len(_PALETTE)])
                for position, name in enumerate(names)
            )
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the schema's order."""
        return tuple(one.name for one in self.classes)

    @property
    def values(self) -> tuple[int, ...]:
        """Label values in the schema's order."""
        return tuple(one.value for one in self.classes)

    @property
    def foreground(self) -> tuple[LabelClass, ...]:
        """The classes that are not background (value above 0)."""
        return tuple(one for one in self.classes if one.value > 0)

    def __len__(self) -> int:
        return len(self.classes)

    def named(self, name: str) -> LabelClass:
        """Find a class by name, ignoring case.

        Raises
        ------
        SchemaError
            If there is none; the message names the nearest one.
        """
        for one in self.classes:
            if one.name.casefold() == name.casefold():
                return one
        raise SchemaError(unknown_choice("class", name, self.names))

    def valued(self, value: int) -> LabelClass:
        """Find a class by its label value.

        Raises
        ------
        SchemaError
            If there is none.
        """
        for one in self.classes:
            if one.value == value:
                return one
        raise SchemaError(f"There is no class with the label value {value}. Known: {self._listing()}.")

    def check_values(self, values: Sequence[int]) -> None:
        """Refuse label values that no class explains (0 is always the background).

        Raises
        ------
        SchemaError
            With the values and the known classes.
        """
        strange = sorted(set(values) - set(self.values) - {0})
        if strange:
            raise SchemaError(f"Label values {strange} belong to no class. Known: {self._listing()}.")

    def iter_named_values(self) -> Iterator[tuple[str, int]]:
        """Yield (name, value) pairs in order."""
        return ((one.name, one.value) for one in self.classes)

    def _listing(self) -> str:
        return ", ".join(f"{one.value} {one.name}" for one in self.classes)
