"""Images that another process reads."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.jobs.runs.reader_process import ReaderLost, ReaderProcess


@pytest.fixture
def reader(plan):
    process = ReaderProcess(plan)
    yield process
    process.close()


def test_image_comes_back_as_it_is(reader, pictures):
    for case in pictures:
        here, read = case.load(), reader.read(case)

        assert read.case.case_id == case.case_id
        assert np.array_equal(read.image.data, here.data)
        assert read.image.geometry.same_grid(here.geometry)
        assert len(read.input_sha256) == 64


def test_reason_crosses_over_and_a_crash_costs_one_image(reader, pictures, make_case, tmp_path):
    cut = make_case("cut", pictures[0].load, tmp_path)
    pictures[0].source.path.write_bytes(b"no picture")
    with pytest.raises(ReadError) as there:
        reader.read(cut)
    with pytest.raises(ReadError) as here:
        cut.load()
    assert (there.value.reason, there.value.hint) == (here.value.reason, here.value.hint)

    with pytest.raises(ReaderLost, match="the process that read it died"):
        reader.read(make_case("crash", partial(os._exit, 3), tmp_path))
    assert reader.read(pictures[1]).image.data.max() == 100
