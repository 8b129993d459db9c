"""TotalSegmentator (Wasserthal 2023), run as a program in an environment of its own."""

from __future__ import annotations

from napari_medclf.backends.totalsegmentator.backend import TotalSegmentatorBackend, write_task

__all__ = ["TotalSegmentatorBackend", "write_task"]
