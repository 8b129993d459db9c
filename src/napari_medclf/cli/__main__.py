"""`python -m napari_medclf.cli` is `medclf`."""

from __future__ import annotations

import sys

from napari_medclf.cli.main import main

sys.exit(main())
