import time

from napari_medclf.domain.events import CaseFailed, Progress
from napari_medclf.ui.job_bar import JobBar, remaining_text, seconds_text


def test_remaining_time_is_told_as_people_say_it() -> None:
    assert remaining_text(30, 0.25) == ", 2 min left"
    assert remaining_text(10, 0.5) == ", 10 s left"
    assert remaining_text(3600, 0.25) == ", 3.0 h left"
    assert remaining_text(0.2, 0.5) == ""


def test_short_times_are_milliseconds() -> None:
    assert [seconds_text(value) for value in (0.034, 12.34, 600)] == ["34 ms", "12.3 s", "10.0 min"]


def test_end_tells_time_and_failed_cases(qtbot, until, tmp_path) -> None:
    bar = JobBar()
    qtbot.addWidget(bar)

    def job():
        yield Progress(1, 2)
        yield CaseFailed("a", tmp_path, "is empty")
        return 3

    results = []
    bar.start("Batch", job, results.append)
    until(lambda: results)
    assert bar.text.startswith("Batch: done in")
    assert bar.text.endswith("1 failed")


def test_cancel_button_works_while_a_job_runs_only(qtbot, until) -> None:
    bar = JobBar()
    qtbot.addWidget(bar)
    assert not bar._cancel.isEnabled()

    def job():
        while True:
            time.sleep(0.01)
            yield Progress(1, 4)

    bar.start("Training", job, lambda result: None)
    until(bar._cancel.isEnabled)
    bar._cancel.click()
    until(lambda: not bar.is_running)
    assert bar.text == "Training: canceled"
