"""Equal enough is what the card allows, in values, scores and labels."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.card import Fingerprint, ModelCard
from napari_medclf.engine.runtimes.parity import explain_difference
from napari_medclf.store.catalogue import Catalogue


@pytest.fixture
def card() -> ModelCard:
    return Catalogue().find("hippocampus-mr").card.model_copy(update={"fingerprint": None})


@pytest.fixture
def logits() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(1, 3, 10, 12, 14)


def test_rounding_passes(card, logits) -> None:
    assert explain_difference(logits, logits + 1e-5, card) == ""


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_tolerance_is_relative_to_large_values(card, logits, scale) -> None:
    off = logits * scale
    off[0, 0, 0, 0, 0] += 2e-3 * max(1.0, float(off.abs().max()))
    assert "values differ" in explain_difference(logits * scale, off, card)


def test_score_that_moves_is_seen_where_the_card_is_lax(card, logits) -> None:
    lax = card.model_copy(update={"fingerprint": Fingerprint(values=(), tolerance=1.0)})
    off = logits.clone()
    off[0, 0, 0, 0, 0] += 0.02
    assert "scores differ by up to" in explain_difference(logits, off, lax)


def test_labels_that_move_are_seen_where_scores_hardly_do(card) -> None:
    even = torch.zeros(1, 3, 10, 12, 14)
    even[:, 1] += 1e-4  # class 1 leads by nothing
    off = even.clone()
    off[:, 2] += 2e-4
    assert "Dice of 0.0000" in explain_difference(even, off, card)


def test_not_finite_and_another_shape_are_seen(card, logits) -> None:
    off = logits.clone()
    off[0, 0, 0, 0, 0] = torch.nan
    assert explain_difference(logits, off, card) == "numbers are not finite"
    assert "shape" in explain_difference(logits, logits[:, :2], card)
