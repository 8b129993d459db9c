"""See every case while its image is at hand: which are known to the model, and how the worst of them look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.results import Prediction, Segmentation
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.jobs.compare import Comparison
    from napari_medclf.jobs.sheet import RgbArray

N_WORST = 12


@dataclass(frozen=True, eq=False)
class WorstCase:
    """A case that the model does badly on.

    Parameters
    ----------
    quality : float
        1 is perfect, 0 as bad as can be.
    picture : (rows, columns, 3) uint8
        Pixels only, no text of the file's header.
    """

    case_id: str
    quality: float
    picture: RgbArray


class CaseWatch:
    """Keeps the worst pictures of an evaluation, and the ids of cases that the model has learned from."""

    def __init__(self, reader: CaseReader, package: ModelPackage, n_worst: int = N_WORST) -> None:
        from napari_medclf.jobs.dataset.learned import learned_digests

        self._reader = reader
        self._learned = learned_digests(package)
        self._n_worst = n_worst
        self._worst: list[WorstCase] = []
        self._digests: dict[str, str] = {}

    @property
    def is_told(self) -> bool:
        """Whether the model says at all what it learned from."""
        return bool(self._learned)

    @property
    def known(self) -> list[str]:
        """The ids of cases that the model learned from, or was chosen on, whatever they are called there."""
        return [case_id for case_id, digest in self._digests.items() if digest in self._learned]

    def known_to(self, other: ModelPackage) -> list[str]:
        """List the cases that another model learned from, or was chosen on."""
        from napari_medclf.jobs.dataset.learned import learned_digests

        learned = learned_digests(other)
        return [case_id for case_id, digest in self._digests.items() if digest in learned]

    @property
    def worst(self) -> tuple[WorstCase, ...]:
        """The worst cases, the very worst first; cases without a fault are not among them."""
        return tuple(self._worst)

    def see(self, case: Case, image: MedImage, prediction: Prediction, comparison: Comparison) -> None:
        """Look at one case."""
        from napari_medclf.jobs.dataset.learned import image_digest

        self._digests[case.case_id] = image_digest(image)
        quality = quality_of(comparison)
        if math.isnan(quality) or quality >= 1 or not self._is_among_worst(quality):
            return
        worst = [*self._worst, WorstCase(case.case_id, quality, self._draw(case, image, prediction))]
        self._worst = sorted(worst, key=lambda one: one.quality)[: self._n_worst]

    def _is_among_worst(self, quality: float) -> bool:
        return len(self._worst) < self._n_worst or quality < self._worst[-1].quality

    def _draw(self, case: Case, image: MedImage, prediction: Prediction) -> RgbArray:
        from napari_medclf.jobs.report.pictures import draw_case

        reference: Segmentation | None = None
        if prediction.segmentation is not None:
            try:
                reference = self._reader.reference(case, image)
            except MedclfError:  # it was read a moment ago; a picture is not worth a failed evaluation
                reference = None
        return draw_case(image, prediction.segmentation, reference)


def quality_of(comparison: Comparison) -> float:
    """How well a case was answered, from 0 to 1.

    For scores the probability of what is true, for labels the mean Dice, for objects AP, for boxes F1, and for numbers
    1 / (1 + the largest error). NaN where nothing can be said.
    """
    if comparison.classification is not None:
        truth = {name.casefold() for name in comparison.classes}
        shares = [p if name.casefold() in truth else 1 - p for name, p in comparison.classification.scores.items()]
        return min(shares, default=float("nan"))
    if comparison.numbers is not None:
        errors = [abs(pair.found - pair.truth) for pair in comparison.numbers.values()]
        return 1 / (1 + max(errors, default=float("nan")))
    if comparison.boxes is not None:
        return _quality_of_boxes([one.counts() for one in comparison.boxes.values()])
    if comparison.objects is not None:
        return comparison.objects.ap50
    dices = [one.dice for one in (comparison.overlaps or {}).values() if not math.isnan(one.dice)]
    return sum(dices) / len(dices) if dices else float("nan")


def _quality_of_boxes(counts: Sequence[Mapping[str, int]]) -> float:
    n_found = sum(one["found"] for one in counts)
    n_all = sum(one["reference"] + one["found"] + one["false"] for one in counts)
    return 2 * n_found / n_all if n_all else float("nan")
