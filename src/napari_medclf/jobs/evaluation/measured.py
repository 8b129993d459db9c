"""What an evaluation found, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_medclf.domain.card import Metric
    from napari_medclf.jobs.compare import Comparison


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Parameters
    ----------
    metrics : dict
        ``dice``, ``dice/<class>``, ``auc`` and so on, with 95 % intervals by group; without those
        that no case defines.
    comparisons : tuple of Comparison
        Every case, measured.
    undefined : dict
        Why a number or an interval is not there.
    """

    metrics: Mapping[str, Metric]
    comparisons: tuple[Comparison, ...]
    undefined: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The numbers of every case by column."""
        return tuple(one.as_row() for one in self.comparisons)

    @property
    def n_cases(self) -> int:
        """How many cases were measured."""
        return len(self.comparisons)

    @property
    def n_groups(self) -> int:
        """How many patients they are from."""
        return len({one.group_id for one in self.comparisons})
