"""What the model answers, brought together with what the person said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.prompts import BoxPrompt, Click, PromptAnswer, Scribble
from napari_medclf.ui.correct.help_tasks import obeyed

STUBBORN = np.ones((1, 4, 6), dtype=np.uint8)
"""What a model answers that does not follow."""


def answer(*voxels: tuple[int, int, int]) -> PromptAnswer:
    said = Corrections(np.array([(0, 3, 4), *voxels]), np.zeros(1 + len(voxels), np.int64))
    no_refit: Any = None
    return PromptAnswer(said, ((0, 1), (2, 6), (3, 9)), STUBBORN, no_refit)


@pytest.mark.parametrize("prompt", [Click((0, 4, 5), 0, 1.0), Scribble(((0.0, 4.0, 5.0),), 0)])
def test_a_click_or_a_line_is_right_where_it_was_drawn_whatever_the_model_says(prompt) -> None:
    labels = obeyed(answer((0, 4, 5), (0, 4, 6), (0, 9, 9)), prompt, 1)
    assert np.argwhere(labels == 0).tolist() == [[0, 2, 2], [0, 2, 3]]  # of the box from (0, 2, 3) on
    assert (STUBBORN == 1).all()


def test_a_box_is_left_to_the_model() -> None:
    box = BoxPrompt(((0, 1), (3, 5), (4, 7)), 1)
    assert obeyed(answer((0, 4, 5)), box, 1) is STUBBORN
