from __future__ import annotations

import pytest

from napari_medclf.engine.train.schedule import learning_rate, progress_of


def test_rate_rises_to_its_highest_and_falls_to_a_hundredth():
    rates = [learning_rate(step / 100, highest=1.0, warmup=0.2) for step in range(101)]
    assert rates[20] == pytest.approx(1.0)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[100] == pytest.approx(0.01)


def test_no_warmup_starts_at_the_highest_rate():
    assert learning_rate(0.0, highest=0.5, warmup=0.0) == pytest.approx(0.5)


def test_slow_machine_follows_the_clock():
    assert progress_of(step=10, n_steps=100, elapsed_s=30, limit_s=60) == 0.5
    assert progress_of(step=90, n_steps=100, elapsed_s=30, limit_s=60) == 0.9
    assert progress_of(step=10, n_steps=100, elapsed_s=900, limit_s=60) == 1.0


def test_without_limit_only_steps_count():
    assert progress_of(step=10, n_steps=100, elapsed_s=1e9, limit_s=None) == 0.1
