"""Use a painting tool that may take a moment, such as interpolation through a whole volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.engine.correct.change import Change
    from napari_medclf.engine.correct.tools import Tool, ToolOptions, Work


def paint_with(tool: Tool, work: Work, options: ToolOptions) -> Job[Change]:
    """Say what a tool would paint; nothing is painted.

    Raises
    ------
    OptionError
        In a sentence, where the tool has nothing to do there.
    """
    from napari_medclf.engine.correct.tools import use_tool

    yield Progress(0, 0, str(tool))
    return use_tool(tool, work, options)
