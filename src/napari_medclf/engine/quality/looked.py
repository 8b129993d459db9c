"""A case and the look at its image."""

from __future__ import annotations

from dataclasses import dataclass

from napari_medclf.domain.dataset import Case
from napari_medclf.engine.quality.look import Look


@dataclass(frozen=True)
class Looked:
    """A case and the look at its image."""

    case: Case
    look: Look

    @property
    def name(self) -> str:
        """The case id."""
        return self.case.case_id
