"""When the folder of a run is read again."""

import time

from napari_medclf.domain.events import Progress
from napari_medclf.ui.batch.reading import RunReader
from napari_medclf.ui.batch.watch import RunWatch


def test_run_that_ends_while_its_folder_is_read_is_read_again_at_once(qtbot, tmp_path, monkeypatch) -> None:
    began = []

    def read(self):
        began.append(time.monotonic())
        yield Progress(0, 0)
        time.sleep(3.5 if len(began) == 1 else 0)  # after which it would rest for 35 s

    monkeypatch.setattr(RunReader, "read", read)
    watch = RunWatch()
    watch.follow(tmp_path, lambda name: tmp_path)
    watch.end_waiting()
    qtbot.waitUntil(lambda: len(began) == 2, timeout=30_000)
    watch.close_down()
