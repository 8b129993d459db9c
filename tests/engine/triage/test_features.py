"""Few numbers keep how far apart embeddings are, and are the same in every version of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.triage.features import N_KEPT, features_of


def _kept(heard: np.ndarray) -> np.ndarray:
    return np.array(list(features_of(heard.astype(np.float32)).values()))


def test_distances_of_embeddings_are_kept() -> None:
    heard = np.random.default_rng(0).normal(0, 0.1, (30, 800))
    heard[:10] += np.random.default_rng(1).normal(0, 0.2, 800)
    kept = np.array([_kept(one) for one in heard])
    apart = np.linalg.norm(heard[:10, None] - heard[None, 10:], axis=2) / np.sqrt(800)
    found = np.linalg.norm(kept[:10, None] - kept[None, 10:], axis=2) / np.sqrt(N_KEPT)
    assert found.mean() == pytest.approx(apart.mean(), rel=0.3)
    within = np.linalg.norm(kept[None, :10] - kept[:10, None], axis=2) / np.sqrt(N_KEPT)
    assert found.min() > within.max()


def test_signs_never_change_from_one_version_to_the_next() -> None:
    found = features_of(np.array([1.0, 2.0, 3.0], np.float32))
    assert next(iter(found)) == "feature:00"
    assert [round(one, 4) for one in list(found.values())[:4]] == EXPECTED


def test_nothing_heard_is_no_number() -> None:
    assert features_of(None) == {}


EXPECTED = [0.2925, -1.3745, -1.3745, 0.7253]
