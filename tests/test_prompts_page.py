"""What the page about prompts shows runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "prompts.md"


def test_python_of_the_page_runs() -> None:
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(compile(code, "prompts.md", "exec"), names)
    assert names["answer"].refit.n_corrections > 1
    assert len(names["more"].corrections) > len(names["answer"].corrections)
    assert names["classifier"].keys == ("a", "b")
