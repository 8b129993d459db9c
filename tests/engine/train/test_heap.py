from __future__ import annotations

import sys

import pytest

from napari_medclf.engine.train.heap import kept_heap


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is on Linux")
def test_pages_of_large_tensors_are_touched_once():
    import resource

    import torch

    def pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            kept = [torch.ones(2_000_000) for _ in range(3)]
            del kept
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    plain = pages()
    with kept_heap():
        pages()
        assert pages() < plain / 4 or plain < 1000  # musl and other allocators have ways of their own


def test_error_inside_passes_through():
    with pytest.raises(ValueError, match="inside"), kept_heap():
        raise ValueError("inside")
