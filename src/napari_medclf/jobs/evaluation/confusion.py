"""Which class is taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_medclf.jobs.evaluation.score_table import ScoreTable


def confusion_of(table: ScoreTable) -> dict[str, Any]:
    """Count cases by truth (rows) and decision (columns).

    Returns
    -------
    dict
        ``classes`` and ``counts`` (C, C). Where a case may have several classes: ``classes`` and ``per_class``, by
        name ``[[neither, only said], [only true, both]]``.
    """
    if table.is_exclusive:
        counts = table.truth.T.astype(np.int64) @ table.decided.astype(np.int64)
        return {"classes": list(table.names), "counts": counts.tolist()}
    per_class = {}
    for column, name in enumerate(table.names):
        truth, decided = table.truth[:, column], table.decided[:, column]
        per_class[name] = [
            [int(np.count_nonzero((truth == has) & (decided == says))) for says in (False, True)]
            for has in (False, True)
        ]
    return {"classes": list(table.names), "per_class": per_class}
