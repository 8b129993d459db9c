"""The numbers of all answered cases of a run, gathered in one pass over their records."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.domain.triage import DoubtKind
from napari_medclf.engine.triage.columns import Columns

SIZES = ("volume_", "area_", "n_objects:", "n_boxes:", "value:")
"""Columns of the results that tell how much of something there is."""
_COUNTED = SIZES[:4]


@dataclass(frozen=True)
class Cohort:
    """What is compared among the cases of a run; the records themselves are not kept, as there may be very many.

    Parameters
    ----------
    case_ids, sources : list of str
        Of every case, in the order of the run.
    numbers : Columns
        Everything that is compared, by ``kind:name``; see `numbers_of`.
    found : Columns
        1 where something was found of what a column of the results tells the size or number of, else 0.
    unfit : list of float
        How far the image of every case is from what the model's card asks for.
    """

    case_ids: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    numbers: Columns = field(default_factory=Columns)
    found: Columns = field(default_factory=Columns)
    unfit: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.case_ids)

    @classmethod
    def of(cls, records: Iterable[CaseRecord]) -> Cohort:
        """Gather the cases of a run, finished or not; those without an answer are left out."""
        cohort = cls()
        for record in records:
            if record.status is CaseStatus.DONE:
                cohort.add(record)
        return cohort

    def add(self, record: CaseRecord) -> None:
        """Take the numbers of one more case."""
        self.case_ids.append(record.case_id)
        self.sources.append(record.source)
        self.numbers.add(numbers_of(record))
        sizes = {name: value for name, value in record.values.items() if name.startswith(_COUNTED)}
        self.found.add({name: float(float(value or 0) > 0) for name, value in sizes.items()})
        self.unfit.append(record.doubts.get(DoubtKind.UNFIT.value, 0.0))


def numbers_of(record: CaseRecord) -> dict[str, float]:
    """Give everything about a case that is compared, by ``kind:name``; sizes as logarithms."""
    found = {name: value for name, value in record.traits.items() if math.isfinite(value)}
    for name, value in record.values.items():
        if name.startswith(SIZES) and isinstance(value, int | float) and math.isfinite(value):
            if name.startswith("value:"):
                found[f"value:{name}"] = float(value)
            elif value > 0:
                found[f"size:{name}"] = math.log(value)
    return found | {f"doubt:{name}": value for name, value in record.doubts.items() if name != DoubtKind.UNFIT.value}
