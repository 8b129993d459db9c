"""Names of files: cases, channels, safe names."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.store.files import natural_key, safe_name, stem, unique_names


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "CON", "a:b", "trailing.", "", "–leading", "x" * 300, "\udcff", "né e\n'\"", "漢字"]
)
def test_any_text_becomes_a_portable_name(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name) <= 80
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not name.startswith((".", "-"))


def test_different_texts_never_share_a_name() -> None:
    texts = ["a/b", "a:b", "a-b", "A-B", "a b", "é", "è"]
    names = list(unique_names(texts))
    assert len({name.casefold() for name in names}) == len(texts)


def test_numbers_sort_as_numbers() -> None:
    paths = [Path("case_10.png"), Path("case_9.png"), Path("Case_1.png")]
    assert [path.name for path in sorted(paths, key=natural_key)] == ["Case_1.png", "case_9.png", "case_10.png"]


def test_stem_cuts_only_image_suffixes() -> None:
    assert stem(Path("a.b.nii.gz")) == "a.b"
    assert stem(Path("a.b")) == "a.b"
