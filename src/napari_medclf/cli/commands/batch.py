"""`medclf batch`."""

from __future__ import annotations

from napari_medclf.cli.command import Command
from napari_medclf.cli.run_text import run_document, run_exit_code, run_lines
from napari_medclf.jobs.batch.batch import BatchOptions, batch

COMMAND = Command(BatchOptions, batch, run_document, run_lines, run_exit_code)
