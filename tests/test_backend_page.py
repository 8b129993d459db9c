"""The backend that the documentation shows keeps its word, and labels what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_medclf.jobs.api import run
from napari_medclf.testing.phantoms import oblique_phantom

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "write-a-backend.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The names that the page's code defines."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        exec(compile(block, _PAGE.name, "exec"), names)
    return names


def test_example_passes_its_own_test(page, tmp_path):
    page["test_isovalue_backend_keeps_its_word"](tmp_path)


def test_example_labels_what_it_says(page, tmp_path):
    model = tmp_path / "bone.json"
    model.write_text('{"format": "isovalue", "label": "bone", "level_hu": 300}')
    backend, image = page["IsovalueBackend"](), oblique_phantom()

    prediction = run(backend.load(backend.read(model)).predict(image))

    assert np.array_equal(prediction.segmentation.labels > 0, image.data > 300)
