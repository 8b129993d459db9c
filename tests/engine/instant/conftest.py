"""Let the tests of this folder share `tiny_models`: pytest's importlib mode has no sibling imports."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
