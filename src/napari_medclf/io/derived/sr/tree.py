"""The tree of a structured report as plain values, read without trust in its size or depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.sr.code import read_code

MOST_DEEP = 32
"""Levels; TID 1500 has eight."""
MOST_ITEMS = 200_000


@dataclass(frozen=True, eq=False)
class Node:
    """One content item (DICOM PS3.3 C.17.3).

    Parameters
    ----------
    item : pydicom.Dataset
        For what depends on the value type.
    """

    value_type: str
    name: CodedConcept | None
    item: Any
    children: tuple[Node, ...]

    def is_named(self, code: str) -> bool:
        """Whether its concept is a code of DICOM's own scheme."""
        return self.name is not None and (self.name.value, self.name.scheme) == (code, "DCM")

    def find(self, code: str) -> Node | None:
        """Find the first child of a name."""
        return next((child for child in self.children if child.is_named(code)), None)

    def of_type(self, value_type: str) -> Iterator[Node]:
        """Children of a value type."""
        return (child for child in self.children if child.value_type == value_type)

    def walk(self) -> Iterator[Node]:
        """Go through this item and all below."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(path: Path, dataset: Any) -> Node:
    """Read the content tree of a report.

    Raises
    ------
    ReadError
        If it is deeper or larger than any report, such as one made to exhaust its reader.
    """
    left = [MOST_ITEMS]
    return _read(path, dataset, 0, left)


def _read(path: Path, item: Any, depth: int, left: list[int]) -> Node:
    left[0] -= 1
    if depth > MOST_DEEP or left[0] < 0:
        limit = f"{MOST_DEEP} levels" if depth > MOST_DEEP else f"{MOST_ITEMS:,} items"
        raise ReadError(path, f"is a report of more than {limit}, which no report needs")
    return Node(
        value_type=str(item.get("ValueType", "")),
        name=read_code(item, "ConceptNameCodeSequence"),
        item=item,
        # An item that only points to another one has no value type; following it could go round in circles.
        children=tuple(
            _read(path, one, depth + 1, left) for one in items(item, "ContentSequence") if "ValueType" in one
        ),
    )
