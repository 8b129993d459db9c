"""A detector's windows are cut, answered and put back so that every object lies where it is."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_medclf.domain.errors import CardError, MedclfError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.suppress import suppress
from napari_medclf.engine.detection.windows import find_boxes
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.drive import drive

_CPU = torch.device("cpu")


def _output(n_classes: int = 1, **changes: Any) -> OutputSpec:
    schema = LabelSchema.from_names(["bright", "dark"][:n_classes], first_value=1)
    return OutputSpec(schema=schema, activation="sigmoid", **changes)


def _detect_bright(windows: Tensor) -> Tensor:
    """One anchor a window: the box around what is brighter than 1, sure where there is anything."""
    rows = []
    for window in windows[:, 0]:
        index = torch.nonzero(window > 1)
        if len(index):
            corners = [*(index.amin(0) - 0.5).tolist(), *(index.amax(0) + 0.5).tolist()]
            rows.append([4.0, *corners])
        else:
            rows.append([-9.0] + [0.0] * 2 * window.ndim)
    return torch.tensor(rows)[:, None]


def _run(data: np.ndarray, network: Any, window: Window, output: OutputSpec) -> Found:
    outcome = drive(find_boxes(data, network, window, _CPU, output))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


def test_object_is_found_where_it_lies_whichever_window_sees_it() -> None:
    data = np.zeros((1, 30, 41, 25), dtype=np.float32)
    data[0, 20:23, 31:36, 4:6] = 2
    found = suppress(_run(data, _detect_bright, Window((16, 16, 16), overlap=0.5), _output()), 0.3)
    best = found.boxes[0]
    assert best.tolist() == [[19.5, 30.5, 3.5], [22.5, 35.5, 5.5]]
    np.testing.assert_allclose(found.scores[0], 1 / (1 + np.exp(-4.0)))


def test_object_of_several_windows_is_one_after_suppression() -> None:
    data = np.zeros((1, 20, 20, 20), dtype=np.float32)
    data[0, 9:11, 9:11, 9:11] = 2
    raw = _run(data, _detect_bright, Window((16, 16, 16), overlap=0.75), _output())
    assert len(raw) > 1
    assert len(suppress(raw, 0.3)) == 1


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_batches_change_nothing(batch: int) -> None:
    data = np.zeros((1, 22, 35, 18), dtype=np.float32)
    data[0, 5:9, 20:25, 3:6] = 2
    one = _run(data, _detect_bright, Window((16, 16, 16), batch=1), _output())
    many = _run(data, _detect_bright, Window((16, 16, 16), batch=batch), _output())
    np.testing.assert_array_equal(one.boxes, many.boxes)


def test_small_image_is_padded_and_boxes_do_not_leave_it() -> None:
    def everywhere(windows: Tensor) -> Tensor:
        return torch.tensor([[[9.0, -5.0, -5.0, -5.0, 40.0, 40.0, 40.0]]]).repeat(len(windows), 1, 1)

    found = _run(np.ones((1, 7, 9, 5), dtype=np.float32), everywhere, Window((16, 16, 16)), _output())
    assert found.boxes.tolist() == [[[-0.5, -0.5, -0.5], [6.5, 8.5, 4.5]]]


def test_box_in_the_padding_is_no_box() -> None:
    def behind(windows: Tensor) -> Tensor:
        return torch.tensor([[[9.0, 12.0, 12.0, 12.0, 15.0, 15.0, 15.0]]]).repeat(len(windows), 1, 1)

    assert len(_run(np.ones((1, 7, 9, 5), dtype=np.float32), behind, Window((16, 16, 16)), _output())) == 0


def test_network_of_pictures_boxes_the_slice_it_saw() -> None:
    data = np.zeros((1, 4, 30, 20), dtype=np.float32)
    data[0, 2, 10:14, 5:8] = 2
    found = _run(data, _detect_bright, Window((16, 16)), _output())
    assert suppress(found, 0.3).boxes.tolist() == [[[1.5, 9.5, 4.5], [2.5, 13.5, 7.5]]]


def test_scores_below_the_cards_are_dropped_and_classes_kept() -> None:
    def two(windows: Tensor) -> Tensor:
        box = [1.0, 1, 1, 3, 3, 3]
        return torch.tensor([[[2.0, -2.0, *box], [-3.0, 0.5, *box]]]).repeat(len(windows), 1, 1)

    found = _run(np.ones((1, 16, 16, 16), np.float32), two, Window((16, 16, 16)), _output(2, smallest_score=0.6))
    assert found.classes.tolist() == [0, 1]
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-0.5))], rtol=1e-6)


def test_softmax_leaves_the_background_out() -> None:
    def sure_of_background(windows: Tensor) -> Tensor:
        return torch.tensor([[[5.0, 1.0, 1, 1, 1, 3, 3, 3], [0.0, 3.0, 4, 4, 4, 6, 6, 6]]]).repeat(len(windows), 1, 1)

    output = _output().model_copy(update={"activation": "softmax"})
    found = _run(np.ones((1, 16, 16, 16), np.float32), sure_of_background, Window((16, 16, 16)), output)
    assert found.boxes.tolist() == [[[4, 4, 4], [6, 6, 6]]]
    np.testing.assert_allclose(found.scores, [np.exp(3) / (1 + np.exp(3))], rtol=1e-6)


def test_answer_of_another_shape_is_a_sentence() -> None:
    with pytest.raises(CardError, match="7 numbers a box were expected"):
        _run(np.ones((1, 16, 16, 16), np.float32), lambda x: torch.zeros(len(x), 5, 6), Window((16,) * 3), _output())


def test_answer_that_is_not_finite_is_a_sentence() -> None:
    with pytest.raises(MedclfError, match="not finite"):
        _run(
            np.ones((1, 16, 16, 16), np.float32),
            lambda x: torch.full((len(x), 5, 7), torch.nan),
            Window((16,) * 3),
            _output(),
        )


def test_stop_does_not_wait_for_a_slow_network() -> None:
    release = threading.Event()

    def slow(windows: Tensor) -> Tensor:
        release.wait(30)
        return _detect_bright(windows)

    job = find_boxes(np.ones((1, 16, 16, 16), np.float32), slow, Window((16, 16, 16)), _CPU, _output())
    n_events = 0

    def should_stop() -> bool:
        return n_events >= 3

    def count(event: object) -> None:
        nonlocal n_events
        n_events += 1

    outcome = drive(job, count, should_stop)
    assert outcome.reason is FinishReason.CANCELED
    assert not release.is_set()
    release.set()
