"""The page about real DICOM files says what becomes of them today."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def test_the_page_of_real_files_is_up_to_date(shared_data, monkeypatch):
    script = Path(__file__).resolve().parents[2] / "docs" / "zoo_table.py"
    specification = importlib.util.spec_from_file_location("zoo_table", script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["zoo_table.py", "--check"])
    assert module.main() == 0, "run python docs/zoo_table.py"
