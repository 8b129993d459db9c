"""Boxes on the way from a network to a `Detection`: arrays that lie beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema


@dataclass(frozen=True, eq=False)
class Found:
    """Boxes of one grid, in no order.

    Parameters
    ----------
    boxes : (n, 2, 3) float64
        Lowest and highest corner (k, j, i) as positions on the grid, as `domain.detection.Detection` has them.
    scores : (n,) float64
        In [0, 1].
    classes : (n,) integer
        Position of each box's class in the schema.
    is_cut : (n,) bool
        Whether the window that saw the object ended at the box, so that another one may have seen more of it; none
        where not given.
    """

    boxes: FloatArray
    scores: FloatArray
    classes: LabelArray
    is_cut: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if len(self.is_cut) != len(self.scores):
            object.__setattr__(self, "is_cut", np.zeros(len(self.scores), dtype=bool))

    @classmethod
    def nothing(cls) -> Found:
        """Hold no box."""
        return cls(np.zeros((0, 2, 3)), np.zeros(0), np.zeros(0, dtype=np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Found]) -> Found:
        """Put boxes of several windows or members one after the other."""
        every = [cls.nothing(), *parts]
        return cls(
            np.concatenate([one.boxes for one in every]),
            np.concatenate([one.scores for one in every]),
            np.concatenate([one.classes for one in every]),
            np.concatenate([one.is_cut for one in every]),
        )

    @classmethod
    def of(cls, detection: Detection) -> Found:
        """Take the boxes out of a detection."""
        position = {one.name: number for number, one in enumerate(detection.schema.classes)}
        classes = np.array([position[detection.schema.named(name).name] for name in detection.names], dtype=np.int64)
        return cls(detection.boxes.astype(np.float64), detection.scores.astype(np.float64), classes)

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, chosen: LabelArray | BoolArray) -> Found:
        """Choose boxes by index or by a mask."""
        return Found(self.boxes[chosen], self.scores[chosen], self.classes[chosen], self.is_cut[chosen])

    def best_first(self) -> Found:
        """Sort by score; equal ones stay in their order."""
        return self.take(np.argsort(-self.scores, kind="stable"))

    def to_detection(
        self,
        geometry: Geometry,
        schema: LabelSchema,
        *,
        source_digest: str = "",
        name: str = "boxes",
        notes: tuple[str, ...] = (),
    ) -> Detection:
        """Name the classes, best box first.

        Raises
        ------
        GridError
            If a box is not finite, or ends before it begins.
        """
        ranked = self.best_first()
        names = tuple(schema.names[position] for position in ranked.classes)
        scores = np.clip(ranked.scores, 0.0, 1.0)
        return Detection(ranked.boxes, scores, names, geometry, schema, source_digest, name, notes=notes)
