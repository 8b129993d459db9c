"""`medclf watch`."""

from __future__ import annotations

from napari_medclf.cli.command import Command
from napari_medclf.cli.run_text import run_document, run_exit_code, run_lines
from napari_medclf.jobs.watch.options import WatchOptions
from napari_medclf.jobs.watch.watch import watch

COMMAND = Command(WatchOptions, watch, run_document, run_lines, run_exit_code)
