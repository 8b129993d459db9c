"""The painting tools by name, and what each of them needs to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.options import check_options, option
from napari_medclf.engine.correct import interpolate, objects, piece, smart
from napari_medclf.engine.correct.brush import Brush, paint
from napari_medclf.engine.correct.change import Change, Way

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import FloatArray
    from napari_medclf.domain.voxel_origin import OriginMap


class Tool(StrEnum):
    """What the mouse does on labels, beside napari's own modes."""

    BALL = "ball"
    SMART = "smart-brush"
    RANGE = "range-brush"
    PIECE = "piece"
    SPLIT = "split"
    MERGE = "merge"
    INTERPOLATE = "slice-interpolation"


class PieceAction(StrEnum):
    """What happens to the connected piece under the cursor."""

    FILL = "give it the class"
    ERASE = "erase it"
    KEEP = "keep only it"
    HOLES = "fill its holes"


BRUSHES = frozenset({Tool.BALL, Tool.SMART, Tool.RANGE})
"""Tools that paint while the mouse moves; the others act when it is let go."""


@dataclass(frozen=True)
class ToolOptions:
    """How the tools paint.

    Parameters
    ----------
    radius_mm : float
        In pixels for pictures without a scale.
    """

    radius_mm: float = option(5.0, help="radius of the brush", unit="mm", minimum=0.1, maximum=500.0)
    is_ball: bool = option(False, help="paint in all slices that the ball reaches, not only in the one shown")
    keeps_others: bool = option(False, help="paint over background only, not over other classes or objects")
    tolerance: float = option(
        3.0, help="how far a voxel may be from what is under the middle", minimum=0.5, maximum=20.0
    )
    uses_model: bool = option(True, help="follow the edge of the model's probability where it is known")
    low: float = option(0.0, help="lowest value that is painted")
    high: float = option(1.0, help="highest value that is painted")
    piece: PieceAction = option(PieceAction.FILL, help="what happens to the piece under the cursor")
    in_slice: bool = option(False, help="act in the slice that is shown only")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, eq=False)
class Work:
    """What a tool is used on.

    Parameters
    ----------
    labels : (K, J, I) integer
    spacing_mm : (k, j, i)
    path : sequence of (k, j, i)
        Places of the cursor as index of the image's grid, not rounded.
    value : int
        The class or object that is painted; 0 erases.
    axis : int
        Across which the slice lies that is shown.
    values : (..., K, J, I) or None
        Samples of the image.
    origin : (K, J, I) uint8 or None
        Who each voxel is from.
    probability : (K, J, I) or None
        The model's of that class.
    """

    labels: LabelArray
    spacing_mm: tuple[float, float, float]
    path: Way
    value: int
    axis: int
    values: Any = None
    origin: OriginMap | None = None
    probability: FloatArray | None = None

    @property
    def start(self) -> tuple[int, ...]:
        """The voxel where the mouse was pressed."""
        return tuple(round(float(at)) for at in self.path[0])

    @property
    def is_click(self) -> bool:
        """Whether the mouse stayed where it was pressed."""
        way = np.ptp(np.asarray(self.path, dtype=np.float64), axis=0)
        return bool((way < 1.0).all())


def use_tool(tool: Tool, work: Work, options: ToolOptions) -> Change:
    """Say what a tool would paint.

    Returns
    -------
    Change
        To be made as one stroke.

    Raises
    ------
    OptionError
        In a sentence, where the tool has nothing to do there.
    GridError
        If the place is outside of the image.
    """
    return _TOOLS[tool](work, options)


def _brush(work: Work, options: ToolOptions) -> Brush:
    return Brush(options.radius_mm, work.spacing_mm, None if options.is_ball else work.axis)


def _ball(work: Work, options: ToolOptions) -> Change:
    return paint(work.labels, work.path, _brush(work, options), work.value, keeps_others=options.keeps_others)


def _smart(work: Work, options: ToolOptions) -> Change:
    return smart.smart_paint(
        work.labels,
        _samples(work),
        work.path,
        _brush(work, options),
        work.value,
        tolerance=options.tolerance,
        probability=work.probability if options.uses_model else None,
        keeps_others=options.keeps_others,
    )


def _range(work: Work, options: ToolOptions) -> Change:
    return smart.range_paint(
        work.labels,
        _samples(work),
        work.path,
        _brush(work, options),
        work.value,
        (options.low, options.high),
        keeps_others=options.keeps_others,
    )


def _piece(work: Work, options: ToolOptions) -> Change:
    axis = work.axis if options.in_slice else None
    if options.piece is PieceAction.KEEP:
        return piece.keep_piece(work.labels, work.start)
    if options.piece is PieceAction.HOLES:
        return piece.fill_holes(work.labels, work.start, axis=work.axis)
    value = 0 if options.piece is PieceAction.ERASE else work.value
    return piece.fill_piece(work.labels, work.start, value, axis=axis)


def _split(work: Work, options: ToolOptions) -> Change:
    if work.is_click:
        return objects.split_at_waist(work.labels, work.start, work.spacing_mm)
    return objects.split_by_line(work.labels, work.path, work.axis, in_all_slices=not options.in_slice)


def _merge(work: Work, options: ToolOptions) -> Change:
    return objects.merge_objects(work.labels, work.path)


def _interpolate(work: Work, options: ToolOptions) -> Change:
    slices = None
    if work.origin is not None:
        slices = interpolate.painted_slices(work.labels, work.origin, work.value, work.axis)
    return interpolate.interpolate_slices(work.labels, work.value, work.axis, work.spacing_mm, slices=slices)


def _samples(work: Work) -> Any:
    if work.values is None:
        raise OptionError("This tool looks at the image, but the labels lie on none that is open.")
    return work.values


_TOOLS: Mapping[Tool, Callable[[Work, ToolOptions], Change]] = {
    Tool.BALL: _ball,
    Tool.SMART: _smart,
    Tool.RANGE: _range,
    Tool.PIECE: _piece,
    Tool.SPLIT: _split,
    Tool.MERGE: _merge,
    Tool.INTERPOLATE: _interpolate,
}
