from __future__ import annotations

import os
import random
import signal
import sys
import time

import numpy as np
import pytest

from napari_medclf.store.strokes.journal import StrokeJournal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

DIGEST = "5e" * 32
N_KILLS = 5  # benchmarks/kill_while_painting.py does a hundred


def _paint_until_killed(folder, base_info, strokes, seed, told):
    journal = StrokeJournal.open(folder, DIGEST, f"window-{seed}")
    if not seed:
        journal.begin_base(base_info)
    for stroke in strokes(10_000, seed=seed):
        journal.append(stroke)
        os.write(told, b".")


def test_every_stroke_whose_call_returned_is_there_after_a_kill(tmp_path, base_info, strokes):
    project, moments, n_expected = tmp_path / "project", random.Random(7), {}
    for seed in range(N_KILLS):
        reader, told = os.pipe()
        child = os.fork()
        if child == 0:
            _paint_until_killed(project, base_info, strokes, seed, told)
            os._exit(0)
        os.close(told)
        os.read(reader, 1)
        time.sleep(moments.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        n_expected[f"window-{seed}"] = 1 + len(os.read(reader, 1_000_000))
        os.close(reader)

    found = list(StrokeJournal.open(project, DIGEST).strokes())
    for seed, (writer_id, n_returned) in enumerate(n_expected.items()):
        theirs = [one.stroke for one in found if one.writer_id == writer_id]
        assert n_returned <= len(theirs) <= n_returned + 1
        for one, painted in zip(theirs, strokes(len(theirs), seed=seed), strict=True):
            np.testing.assert_array_equal(one.voxels, painted.voxels)
            np.testing.assert_array_equal(one.before, painted.before)
            np.testing.assert_array_equal(one.after, painted.after)
