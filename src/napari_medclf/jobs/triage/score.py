"""Put the answers of a run in the order in which a person should look at them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from napari_medclf.domain.run import CaseRecord
from napari_medclf.domain.triage import DoubtKind, TriageRow
from napari_medclf.jobs.triage.words import sentence_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_medclf.engine.triage.compare import Compared
    from napari_medclf.engine.triage.figures import Figures
    from napari_medclf.jobs.triage.cohort import Cohort

_FEWEST_TO_MISS = 5
_MISSED_CLASS = 0.7
_SCALE = 5.0
_RMS_SPREAD = 0.35
_TRAINING_SPREAD = 0.25
_NEIGHBOURS = (0.1, 0.2)
"""Parts of a cohort that are a case's neighbourhood, and its wider one."""
_WIDE = 0.3
_FOLLOWS_EDGES = 0.5
"""Of outlines with a larger usual agreement, one with none of it is of another image, or flipped."""
WEIGHTS: Mapping[DoubtKind, float] = {
    DoubtKind.EMPTY: 0.95,
    DoubtKind.SHAPE: 0.8,
    DoubtKind.DISTANCE: 0.85,
    DoubtKind.SIZE: 0.4,
    DoubtKind.PIECES: 0.5,
    DoubtKind.ENTROPY: 0.5,
    DoubtKind.DISAGREEMENT: 0.4,
    DoubtKind.UNFIT: 0.5,
}
"""How much each kind of doubt can give to the score; chosen by ``benchmarks/triage_planted.py``."""


def rank_cases(records: Iterable[CaseRecord], figures: Figures | None = None) -> tuple[TriageRow, ...]:
    """Rank the answered cases of a run, the likely wrong ones first; see `each_ranked`."""
    return tuple(each_ranked(records, figures))


def each_ranked(records: Iterable[CaseRecord], figures: Figures | None = None) -> Iterator[TriageRow]:
    """Rank the answered cases of a run, the likely wrong ones first; their rows come one after the other.

    Parameters
    ----------
    records : iterable of CaseRecord
        Of a run, finished or not; those without an answer are left out. They are read once, and not kept.
    figures : Figures or None
        What the model's training cases are like, where its package tells.

    Notes
    -----
    Every kind of doubt gives a part from 0 to 1: what the model or its card says of the case alone (entropy,
    disagreement, unfit), and how far the case's numbers are from those of the others (size, shape, pieces, distance,
    empty). The score is 1 - product(1 - weight * part): one strong doubt is enough, and several weak ones add up.
    """
    from napari_medclf.jobs.triage.cohort import Cohort

    cohort = Cohort.of(records)
    if not len(cohort):
        return
    parts, compared = parts_of(cohort, figures)
    scores = score_of(parts)
    order = sorted(range(len(cohort)), key=lambda n: (-scores[n], n))
    for rank, n in enumerate(order, start=1):
        own = {kind: float(values[n]) for kind, values in parts.items() if values[n] > 0}
        sentence = sentence_of(own, compared, n)
        yield TriageRow(cohort.case_ids[n], rank, float(scores[n]), own, sentence, cohort.sources[n])


def score_of(
    parts: Mapping[DoubtKind, NDArray[np.float64]], weights: Mapping[DoubtKind, float] = WEIGHTS
) -> NDArray[np.float64]:
    """Give the scores (n,) of all cases: 1 - product(1 - weight * part)."""
    import numpy as np

    return np.asarray(1 - np.prod([1 - weights[kind] * part for kind, part in parts.items()], axis=0))


def parts_of(cohort: Cohort, figures: Figures | None = None) -> tuple[dict[DoubtKind, NDArray[np.float64]], Compared]:
    """Say how much of each kind of doubt there is about every answered case, (n,) from 0 to 1."""
    import numpy as np

    from napari_medclf.engine.triage.compare import compare
    from napari_medclf.engine.triage.training import training_distance

    compared = compare(cohort.numbers, figures)
    kind = {name: compared.apart[:, compared.of_kind(name)] for name in ("shape", "size", "pieces")}
    is_heard = bool(np.isfinite(compared.numbers[:, compared.of_kind("feature")]).all())
    image = compared.apart[:, compared.of_kind("look", *["feature"] * is_heard)]
    parts = {
        DoubtKind.SHAPE: np.maximum(_unlike(kind["shape"]), _misfit(compared, image)),
        DoubtKind.SIZE: _surprise(_largest(np.abs(kind["size"]))),
        DoubtKind.PIECES: _surprise(_largest(np.abs(kind["pieces"]))),
        DoubtKind.DISTANCE: _distance(image, training_distance(compared, figures)),
        DoubtKind.EMPTY: _empty(cohort),
        DoubtKind.UNFIT: np.array(cohort.unfit),
    }
    for own in (DoubtKind.ENTROPY, DoubtKind.DISAGREEMENT):
        columns = [n for n, name in enumerate(compared.names) if name == f"doubt:{own.value}"]
        if columns:
            parts[own] = _surprise(_largest(compared.apart[:, columns]))
    return {kind: np.clip(values, 0.0, 1.0) for kind, values in parts.items()}, compared


def _surprise(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn spreads from the usual into 0 to 1: 0.15 for two spreads, 0.3 for three, 0.63 for five."""
    import numpy as np

    return np.asarray(1 - np.exp(-((np.maximum(np.nan_to_num(apart), 0) / _SCALE) ** 2)))


def _unlike(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell which cases are unlike their neighbours, and a little of those that are so only in a wider neighbourhood.

    How far a case is from the middle counts for nothing: a cohort of two scanners or two stains has no case there, and
    the rarer stain is no failure. The wider neighbourhood finds a few failures that are all alike. Too few cases have
    no neighbours, and are compared with the middle of the training.
    """
    import numpy as np

    from napari_medclf.engine.triage.compare import root_mean_square
    from napari_medclf.engine.triage.neighbours import neighbour_distance

    if len(apart) < _FEWEST_TO_MISS:
        return _surprise((root_mean_square(apart) - 1) / _RMS_SPREAD)
    near, wide = (_above_cohort(neighbour_distance(apart, part)) for part in _NEIGHBOURS)
    return np.asarray((1 - _WIDE) * _surprise(near) + _WIDE * _surprise(wide))


def _distance(apart: NDArray[np.float64], from_training: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell which images are unlike the others, and unlike those of the training where these are known."""
    import numpy as np

    unlike = _unlike(apart)
    if not np.isfinite(from_training).all():
        return unlike
    far = (from_training - 1) / _TRAINING_SPREAD
    if len(far) >= _FEWEST_TO_MISS:  # a scanner that the training never saw makes all of them far
        far = (far + _above_cohort(from_training)) / 2
    return np.asarray(1 - (1 - unlike) * (1 - _surprise(far)))


def _misfit(compared: Compared, image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell where outlines do not follow the edges of the image, as they do in images that look alike.

    Parameters
    ----------
    image : (n, t)
        Spreads of the numbers that tell what images look like: edges of one stain are sharper than those of another.
    """
    import numpy as np

    from napari_medclf.engine.triage.neighbours import usual_among_neighbours
    from napari_medclf.engine.triage.spread import centre_and_spread

    columns = compared.of_kind("fit")
    numbers, apart = compared.numbers[:, columns], compared.apart[:, columns]
    usual = np.broadcast_to(compared.usual[columns], numbers.shape)
    if len(numbers) >= _FEWEST_TO_MISS and image.shape[1]:
        usual = usual_among_neighbours(image, numbers)
        centre, spread = centre_and_spread(numbers - usual, [compared.names[n] for n in columns])
        apart = (numbers - usual - centre) / spread
    part = _surprise(_largest(-apart))
    follows = np.nan_to_num(usual) >= _FOLLOWS_EDGES
    lost = np.where(follows, 1 - numbers / np.where(follows, usual, 1.0), 0.0)
    return np.asarray(np.maximum(part, np.clip(2 * np.nan_to_num(lost).max(axis=1, initial=0.0) - 1, 0, 1)))


def _largest(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest of every row, less what chance alone gives to the largest of so many."""
    import numpy as np

    n_columns = apart.shape[1]
    if not n_columns:
        return np.zeros(len(apart))
    by_chance = math.sqrt(2 * math.log(n_columns)) * 0.5
    return np.asarray(np.nan_to_num(apart, nan=-np.inf, neginf=-np.inf).max(axis=1) - by_chance)


def _above_cohort(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many robust spreads a distance is above those of the others."""
    import numpy as np

    if not np.isfinite(distances).any():
        return np.zeros(len(distances))
    logs = np.log(np.maximum(distances, 1e-3))
    middle = float(np.median(logs))
    spread = max(1.4826 * float(np.median(np.abs(logs - middle))), 0.15)
    return np.asarray((logs - middle) / spread)


def _empty(cohort: Cohort) -> NDArray[np.float64]:
    """Tell where nothing was found of what most cases have."""
    import numpy as np

    if not cohort.found.names or len(cohort) < _FEWEST_TO_MISS:
        return np.zeros(len(cohort))
    found = np.nan_to_num(cohort.found.table()) > 0
    missing = ((~found) * found.mean(axis=0) ** 2).max(axis=1) * _MISSED_CLASS
    is_empty = ~found.any(axis=1)
    return np.asarray(np.maximum(missing, is_empty * (1 - is_empty.mean()) ** 2))
