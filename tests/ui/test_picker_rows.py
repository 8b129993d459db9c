from pathlib import Path

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.report import Discovery, Refusal
from napari_medclf.ui.picker.listing import entries_of
from napari_medclf.ui.picker.rows import filtered, picker_rows, subtitle_of, title_of, tooltip_of
from napari_medclf.ui.tasks import WorkItem

FOLDER = Path("study")
CT = SeriesEntry(
    FileRef(FOLDER, "1.2"), "CT-3-Chest", "CT", study="a1", series_uid="1.2", series_number="3", description="Chest",
    size=(40, 512, 512), spacing_mm=(2.5, 0.7, 0.7), n_files=40,
)  # fmt: skip
SEG = SeriesEntry(FileRef(Path("seg.dcm")), "seg", "SEG", study="zz", series_uid="1.9", refers_to="1.2")
MR = SeriesEntry(FileRef(FOLDER, "1.5"), "MR-1", "MR", study="b2", series_uid="1.5", description="T1")
GAPS = SeriesEntry(
    FileRef(FOLDER, "1.7"), "CT-4", "CT", study="a1", series_uid="1.7", series_number="4", description="Head",
    reason="slices 12 and 13 are 7.5 mm apart, the others 2.5 mm", hint="Allow gaps.",
    ways=(FileRef(FOLDER, "1.7+gaps=blank"), FileRef(FOLDER, "1.7+gaps=resample")),
)  # fmt: skip


def items_of(*entries: SeriesEntry) -> list[WorkItem]:
    return [WorkItem(entry.ref, entry.name) for entry in entries]


def test_labels_stand_indented_under_the_series_they_were_made_for() -> None:
    rows = picker_rows([SEG, CT], items_of(CT))
    assert [(row.entry, row.depth) for row in rows] == [(CT, 0), (SEG, 1)]
    assert rows[1].item is None


def test_several_studies_get_headings_and_one_gets_none() -> None:
    rows = picker_rows([CT, MR, SEG], items_of(CT, MR))
    assert [row.title for row in rows if row.is_heading] == ["Study 1 · CT, SEG · 1 series", "Study 2 · MR · 1 series"]
    assert not any(row.is_heading for row in picker_rows([CT], items_of(CT)))


def test_refused_series_shows_its_reason_until_a_way_was_opened() -> None:
    (refused,) = picker_rows([GAPS], [])
    assert refused.is_refused
    assert refused.subtitle == GAPS.reason
    assert "Allow gaps." in tooltip_of(refused)
    (opened,) = picker_rows([GAPS], [WorkItem(GAPS.ways[0], "Head", Status.DONE)])
    assert not opened.is_refused
    assert opened.glyph == "✓"


def test_row_tells_number_description_size_spacing_and_files() -> None:
    assert title_of(CT) == "3  Chest"
    assert subtitle_of(CT) == "CT · 40 × 512 × 512 · 2.5 × 0.7 × 0.7 mm · 40 files"


def test_every_word_of_the_filter_must_be_there() -> None:
    entries, items = [CT, MR, GAPS], items_of(CT, MR)
    rows = picker_rows(entries, items)
    assert [row.entry for row in filtered(rows, "chest CT") if row.entry] == [CT]
    assert [row.is_heading for row in filtered(rows, "chest CT")] == [True, False]
    assert filtered(rows, "chest mr") == []
    assert filtered(rows, "") == rows


def test_images_of_a_project_need_no_entries() -> None:
    rows = picker_rows([], [WorkItem(FileRef(Path("a.png")), "case-1", Status.FLAGGED)])
    assert [(row.glyph, row.title, row.item) for row in rows] == [("⚑", "case-1", 0)]


def test_split_of_an_npz_gives_way_to_its_images() -> None:
    npz = Path("chest.npz")
    images = [WorkItem(FileRef(npz, f"train/{n}"), f"train {n}") for n in range(3)]
    rows = picker_rows([SeriesEntry(FileRef(npz, "train"), "chest train", "npz")], images)
    assert [row.title for row in rows] == ["train 0", "train 1", "train 2"]


def test_what_is_only_refused_is_listed_once() -> None:
    refusal = Refusal(GAPS.ref.path, GAPS.reason, GAPS.hint)
    other = Refusal(Path("notes.txt"), "is no image")
    entries = entries_of(Discovery((), (refusal, other), (GAPS,)))
    assert [entry.reason for entry in entries] == [GAPS.reason, "is no image"]
