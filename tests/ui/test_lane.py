import time

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Progress
from napari_medclf.ui.lane import Lane


def errand(result, pause_s: float = 0.0):
    def job():
        yield Progress(0, 1)
        time.sleep(pause_s)
        if isinstance(result, Exception):
            raise result
        return result

    return job


def test_errands_run_in_their_order(qtbot, until) -> None:
    lane, results = Lane(), []
    lane.add("slow", errand("first", 0.1), results.append)
    lane.add("fast", errand("second"), results.append)
    until(lambda: len(results) == 2)
    assert results == ["first", "second"]


def test_failed_errand_tells_its_sentence_and_the_next_one_runs(qtbot, until) -> None:
    lane, results, failures = Lane(), [], []
    lane.add("open", errand(ReadError("ct.nii", "is empty")), results.append, failures.append)
    lane.add("open", errand("next"), results.append)
    until(lambda: results)
    assert failures == ["ct.nii: is empty."]


def test_silent_errands_are_not_told(qtbot, until) -> None:
    lane, told, results = Lane(), [], []
    lane.busy.connect(told.append)
    lane.add("", errand("kept"), results.append)
    lane.add("Opening ct", errand("opened"), results.append)
    until(lambda: len(results) == 2)
    assert told == ["Opening ct", ""]
