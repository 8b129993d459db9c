"""`medclf listen`."""

from __future__ import annotations

from napari_medclf.cli.command import Command
from napari_medclf.cli.run_text import run_document, run_exit_code, run_lines
from napari_medclf.jobs.watch.listen import listen
from napari_medclf.jobs.watch.options import ListenOptions

COMMAND = Command(ListenOptions, listen, run_document, run_lines, run_exit_code)
