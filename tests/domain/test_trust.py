"""What would run is seen whole."""

from __future__ import annotations

from napari_medclf.domain.trust import Trust


def test_characters_that_hide_a_line_are_written_as_escapes() -> None:
    hidden = Trust("0", ("os.system('x')\r\x1b[2Kharmless()", "a\u202eb", "Größe", "two\nlines"))
    assert hidden.what == ("os.system('x')\\r\\x1b[2Kharmless()", "a\\u202eb", "Größe", "two\\nlines")
