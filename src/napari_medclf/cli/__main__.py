"""`python -m napari_medclf.cli` is `medclf`."""

from __future__ import annotations

import os
import sys

from napari_medclf.cli.main import main
from napari_medclf.jobs.torchrun import is_helper

if is_helper():  # one document on stdout, from the first process
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (open to the end)
sys.exit(main())
