"""The page of recipes is what the registry and the measurements say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def test_page_is_up_to_date(monkeypatch):
    script = Path(__file__).resolve().parents[1] / "docs" / "recipe_table.py"
    specification = importlib.util.spec_from_file_location("recipe_table", script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["recipe_table.py", "--check"])
    assert module.main() == 0, "run python docs/recipe_table.py"
