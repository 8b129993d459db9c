"""Whether cases are of one kind, with one middle, or of several, such as two stains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.engine.triage.spread import Table

_SEVERAL = 6.0
"""Two halves of a normal distribution are 2.7 of their own spreads apart, of a uniform one 3.5, and of 20 normal
numbers hardly ever more than 5.5. Measured in looks: hippocampi 2.5, chest X-rays 3.0, retinas 3.1, and nuclei of two
stains 11.7."""
_SMALLEST_GROUP = 0.1
_FEWEST = 3
"""Of a group: a few strange cases are no kind."""
_MOST_TURNS = 50


def are_of_several_kinds(apart: Table) -> bool:
    """Tell whether cases fall into two groups that are far apart along their first principal direction.

    Correlations over all of them would tell how the groups differ, and not how cases vary.

    Parameters
    ----------
    apart : (n, t)
        Spreads of every number from its median.

    Notes
    -----
    As Ashman's D (Ashman, Bird & Zepf 1994) of the two nearest-mean groups, with the variance over both.
    """
    centred = apart - apart.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return bool(_separation(left[:, 0] * sizes[0]) > _SEVERAL)


def _separation(values: NDArray[np.float64]) -> float:
    """Distance of the means of two groups over the standard deviation within them; 0 where there are no two."""
    border = float(values.mean())
    for _ in range(_MOST_TURNS):
        low, high = values[values < border], values[values >= border]
        if min(len(low), len(high)) < max(_SMALLEST_GROUP * len(values), _FEWEST):
            return 0.0
        moved = float(low.mean() + high.mean()) / 2
        if moved == border:
            break
        border = moved
    spread = float(np.sqrt((len(low) * low.var() + len(high) * high.var()) / len(values)))
    return float(high.mean() - low.mean()) / max(spread, 1e-6)
