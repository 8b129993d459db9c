"""What the page about painting shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "paint.md"


def test_the_example_prints_what_the_page_says(capsys) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    promised = re.search(r"# (\d+): about", example)
    exec(compile(example, str(PAGE), "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert promised is not None
    assert first == promised.group(1)
    assert second.startswith("True [")


def test_every_tool_of_the_window_is_on_the_page() -> None:
    from napari_medclf.ui.correct.tools import _TOOLS

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name, *_ in _TOOLS if f"**{name}**" not in text] == []
