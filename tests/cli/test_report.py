"""What a person is told while a job runs."""

import io
from pathlib import Path

from napari_medclf.cli.report import Reporter, describe, describe_progress, format_seconds
from napari_medclf.domain.events import CaseDone, CaseFailed, EpochDone, Noted, Progress, Warned


def told(*events, is_quiet=False):
    stream = io.StringIO()
    with Reporter(is_quiet=is_quiet, stream=stream) as reporter:
        for event in events:
            reporter(event)
    return stream.getvalue().splitlines()


def test_every_event_is_one_line():
    lines = told(
        Warned("the image has no scale."),
        CaseDone("eye_1", Path("eye_1.png")),
        CaseFailed("eye_2", Path("eye_2.png"), "is empty."),
        EpochDone(2, 5, {"val/dice": 0.87654}, is_best=True),
    )

    assert lines == [
        "warning: the image has no scale.",
        "done: eye_1",
        "failed: eye_2: is empty.",
        "epoch 2/5  val/dice 0.8765  best",
    ]


def test_quiet_keeps_warnings_and_failures():
    lines = told(
        Warned("w."), CaseDone("a", Path("a")), CaseFailed("b", Path("b"), "is empty."), is_quiet=True
    )  # fmt: skip

    assert lines == ["warning: w.", "failed: b: is empty."]


def test_progress_does_not_flood_a_log():
    assert told(*(Progress(step, 1000, "working") for step in range(1000))) == []


def test_time_left_follows_the_pace():
    assert describe_progress(Progress(25, 100, "case 25"), elapsed_s=30) == " 25% case 25, 1 min 30 s left"
    assert describe_progress(Progress(0, 0, "opening"), elapsed_s=3) == "opening"
    assert describe(Progress(1, 2, "half")) == " 50% half"
    assert format_seconds(7300) == "2 h 1 min"


def test_same_note_is_said_once_in_a_row():
    lines = told(*(Noted(text) for text in ("needs 1 GB", "needs 1 GB", "needs 2 GB", "needs 1 GB")))

    assert lines == ["needs 1 GB", "needs 2 GB", "needs 1 GB"]
