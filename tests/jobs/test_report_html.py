"""The page of a measurement."""

from html.parser import HTMLParser

from napari_medclf.domain.card import Metric
from napari_medclf.jobs.report_html import report_html, worst_first

NAN = float("nan")


class Cells(HTMLParser):
    """Collects what stands in cells and headings."""

    def __init__(self, page):
        super().__init__()
        self.texts = []
        self.feed(page)

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def document(**changes):
    return {
        "model": "vessels", "model_version": "1.0.0", "data": "eyes <b>", "split": "test", "n_cases": 2, "n_groups": 2,
        "weights_sha256": "ab" * 32, "dice": Metric(value=0.81234, ci95=(0.7, 0.9)),
        "per_class": {"vessel": {"dice": Metric(value=0.81234)}}, **changes,
    }  # fmt: skip


def test_numbers_stand_with_their_interval():
    cells = Cells(report_html(document(), [{"case_id": "a", "dice:vessel": 0.5}]))

    assert cells.texts[cells.texts.index("dice") :][:3] == ["dice", "0.812", "0.700 to 0.900"]
    assert {"vessel", "a", "0.500"} <= set(cells.texts)


def test_names_cannot_break_the_page():
    page = report_html(document(), [{"case_id": "<script>alert(1)</script>"}])

    assert "<script>" not in page
    assert "eyes &lt;b&gt;" in page


def test_worst_cases_come_first():
    rows = [
        {"case_id": "good", "dice:v": 0.9, "hd95_mm:v": 1.0},
        {"case_id": "bad", "dice:v": 0.2, "hd95_mm:v": 80.0},
        {"case_id": "without", "dice:v": NAN},
    ]
    assert [row["case_id"] for row in worst_first(rows)] == ["bad", "good", "without"]

    scores = [
        {"case_id": "sure", "truth": "a", "score:a": 0.9, "score:b": 0.1},
        {"case_id": "wrong", "truth": "b", "score:a": 0.8, "score:b": 0.2},
    ]
    assert [row["case_id"] for row in worst_first(scores)] == ["wrong", "sure"]
