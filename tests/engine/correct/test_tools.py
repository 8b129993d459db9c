from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.engine.correct.tools import BRUSHES, PieceAction, Tool, ToolOptions, Work, use_tool

SHAPE = (12, 20, 28)
SPACING = (4.0, 1.0, 2.0)


@pytest.fixture
def labels() -> np.ndarray:
    made = np.zeros(SHAPE, dtype=np.uint8)
    made[2:10, 5:15, 6:22] = 1
    return made


def work(labels: np.ndarray, *path: tuple[float, float, float], **more: object) -> Work:
    return Work(labels, SPACING, list(path), **{"value": 2, "axis": 0, **more})  # type: ignore[arg-type]


def test_every_tool_paints_something_and_says_what_was_there(labels: np.ndarray) -> None:
    values = labels * 100.0
    options = ToolOptions(radius_mm=4.0, low=50.0, high=150.0)
    for tool in Tool:
        cells = labels.astype(np.uint16)
        cells[:, :, 24:26] = 7
        place = [(5.0, 10.0, 12.0), (5.0, 10.0, 25.0)] if tool is Tool.MERGE else [(5.0, 0.0, 12.0), (5.0, 19.0, 12.0)]
        path = [(5.0, 10.0, 12.0)] if tool in BRUSHES or tool is Tool.PIECE else place
        given = work(cells, *path, values=values)
        if tool is Tool.INTERPOLATE:
            cells[3:9][cells[3:9] == 1] = 0
            given = work(cells, *path, value=1)
        change = use_tool(tool, given, options)
        assert change.n_changed > 0, tool
        assert (cells.reshape(-1)[change.voxels] == change.before).all(), tool
        assert (np.diff(change.voxels) > 0).all(), tool


def test_disc_or_ball_is_an_option(labels: np.ndarray) -> None:
    place = (5.0, 10.0, 12.0)
    disc = use_tool(Tool.BALL, work(labels, place), ToolOptions(radius_mm=6.0)).applied(labels)
    ball = use_tool(Tool.BALL, work(labels, place), ToolOptions(radius_mm=6.0, is_ball=True)).applied(labels)
    assert np.flatnonzero((disc == 2).any(axis=(1, 2))).tolist() == [5]
    assert np.flatnonzero((ball == 2).any(axis=(1, 2))).tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("action", "n_left"),
    [(PieceAction.FILL, 0), (PieceAction.ERASE, 0), (PieceAction.KEEP, 8 * 10 * 16), (PieceAction.HOLES, 8 * 10 * 16)],
)
def test_piece_does_what_was_chosen(labels: np.ndarray, action: PieceAction, n_left: int) -> None:
    given = work(labels, (5.0, 10.0, 12.0))
    found = use_tool(Tool.PIECE, given, ToolOptions(piece=action)).applied(labels)
    assert (found == 1).sum() == n_left
    assert (found == 2).any() == (action is PieceAction.FILL)


def test_slices_that_a_person_painted_are_gone_by(labels: np.ndarray) -> None:
    origin = np.zeros(SHAPE, dtype=np.uint8)
    origin[2] = origin[9] = 1
    labels[5, 0:3] = 1  # the model spilled
    found = use_tool(Tool.INTERPOLATE, work(labels, value=1, origin=origin), ToolOptions()).applied(labels)
    assert not found[5, 0:3].any()
    assert (found[2:10, 6:14, 7:21] == 1).all()


def test_a_click_is_told_from_a_line(labels: np.ndarray) -> None:
    assert work(labels, (5.0, 10.0, 12.0), (5.0, 10.4, 12.3)).is_click
    assert not work(labels, (5.0, 10.0, 12.0), (5.0, 10.0, 14.0)).is_click


def test_what_cannot_be_is_refused(labels: np.ndarray) -> None:
    with pytest.raises(OptionError, match="radius"):
        ToolOptions(radius_mm=0.0)
    with pytest.raises(OptionError, match="looks at the image"):
        use_tool(Tool.SMART, work(labels, (5.0, 10.0, 12.0)), ToolOptions())
