"""Two stains are two kinds of images; one scanner with a wide or a skewed spread is one."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.triage.kinds import are_of_several_kinds

DRAWN = np.random.default_rng(0)
ONE_KIND = {
    "normal": DRAWN.normal(0, 1, (60, 30)),
    "uniform": DRAWN.uniform(-2, 2, (60, 30)),
    "few": DRAWN.normal(0, 1, (15, 30)),
    "one direction": DRAWN.normal(0, 1, (60, 1)) * np.ones(30) + DRAWN.normal(0, 0.3, (60, 30)),
    "all alike": np.zeros((20, 5)),
}


@pytest.mark.parametrize("name", ONE_KIND)
def test_one_kind(name: str) -> None:
    assert not are_of_several_kinds(ONE_KIND[name])


@pytest.mark.parametrize("n_others", [6, 15, 30])
def test_two_kinds_of_any_share(n_others: int) -> None:
    table = DRAWN.normal(0, 1, (60, 30))
    table[:n_others, :20] += 8
    assert are_of_several_kinds(table)
