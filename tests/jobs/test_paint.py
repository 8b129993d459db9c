from __future__ import annotations

import numpy as np

from napari_medclf.domain.events import FinishReason
from napari_medclf.engine.correct.tools import Tool, ToolOptions, Work
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.paint import paint_with


def test_a_tool_gives_a_change_and_leaves_the_labels_alone() -> None:
    labels = np.zeros((12, 20, 28), dtype=np.uint8)
    labels[3, 5:15, 5:15] = labels[7, 5:15, 5:15] = 1
    before = labels.copy()
    outcome = drive(paint_with(Tool.INTERPOLATE, Work(labels, (4.0, 1.0, 1.0), [], 1, 0), ToolOptions()))
    assert outcome.result is not None
    assert len(outcome.result) == 3 * 100
    assert (labels == before).all()


def test_a_tool_with_nothing_to_do_says_so() -> None:
    labels = np.zeros((12, 20, 28), dtype=np.uint8)
    outcome = drive(paint_with(Tool.INTERPOLATE, Work(labels, (4.0, 1.0, 1.0), [], 1, 0), ToolOptions()))
    assert outcome.reason is FinishReason.FAILED
    assert "two slices" in outcome.message
