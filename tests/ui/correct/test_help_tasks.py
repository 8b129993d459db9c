"""What the model answers, brought together with what the person said."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.ui.correct.help_tasks import PromptSaid, obeyed

STUBBORN = np.ones((1, 4, 6), dtype=np.uint8)
"""What a model answers that does not follow."""


def corrections(value: int, *voxels: tuple[int, int, int]) -> Corrections:
    return Corrections(np.array(voxels), np.full(len(voxels), value))


def test_labels_are_right_where_all_clicks_and_lines_were_drawn_whatever_the_model_says() -> None:
    earlier, now = corrections(0, (0, 3, 4), (0, 9, 9)), corrections(2, (0, 4, 5))
    box = corrections(0, (0, 5, 8))  # says only roughly where something is
    said = PromptSaid(earlier, earlier) + PromptSaid(box, Corrections.none()) + PromptSaid(now, now)
    labels = obeyed(STUBBORN, ((0, 1), (2, 6), (3, 9)), said.sure)
    assert np.argwhere(labels == 0).tolist() == [[0, 1, 1]]  # of the box from (0, 2, 3) on
    assert np.argwhere(labels == 2).tolist() == [[0, 2, 2]]
    assert len(said.learned) == 4
    assert (STUBBORN == 1).all()


def test_the_later_word_counts() -> None:
    said = corrections(0, (0, 3, 4)) + corrections(3, (0, 3, 4))
    assert obeyed(STUBBORN, ((0, 1), (2, 6), (3, 9)), said)[0, 1, 1] == 3
