from __future__ import annotations

from napari_medclf.engine.train.history import History


def after(*scores: float, elapsed_s: float = 0.0) -> History:
    history = History()
    for score in scores:
        history = history.add({"val/loss": -score}, score, elapsed_s)
    return history


def test_best_epoch_has_the_highest_score_and_the_first_of_equal_ones():
    history = after(0.2, 0.7, 0.5, 0.7)
    assert history.best_epoch == 2
    assert not history.is_best
    assert after(0.2, 0.7).is_best


def test_gain_that_is_noise_is_none():
    assert after(0.7, 0.7 + 1e-9).best_epoch == 1


def test_training_is_over_after_its_epochs_its_patience_or_its_time():
    history = after(0.5, 0.9, 0.8, 0.7, elapsed_s=60.0)
    assert history.is_over(4, 0, None)
    assert not history.is_over(5, 0, None)
    assert history.is_over(5, 2, None)
    assert not history.is_over(5, 3, None)
    assert history.is_over(5, 0, 60.0)
    assert not history.is_over(5, 0, 61.0)


def test_first_epoch_is_always_done():
    assert not History(elapsed_s=99.0).is_over(5, 1, 10.0)


def test_state_is_read_back_as_it_was():
    history = after(0.5, 0.9, elapsed_s=3.0)
    assert History.from_state(history.to_state()) == history
