from napari_medclf.domain.results import Classification
from napari_medclf.ui.tables import ResultsTable, ScoreTable, number_text


def cells(table) -> list[list[str]]:
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


def test_numbers_are_short_and_not_a_number_is_a_dash() -> None:
    assert [number_text(value) for value in (1234567, 0.123456, float("nan"), 12345.6, "x")] == [
        "1,234,567", "0.1235", "–", "12,346", "x",
    ]  # fmt: skip


def test_measurements_have_units_people_read(qtbot) -> None:
    table = ResultsTable()
    qtbot.addWidget(table)
    table.show_measurements([{"class": "liver", "index": 1, "n_vox": 2000, "volume_ml": 1.5}])
    headers = [table.horizontalHeaderItem(column).text() for column in range(4)]
    assert headers == ["label", "class", "voxels", "mL"]
    assert cells(table) == [["1", "liver", "2,000", "1.5"]]


def test_scores_are_ranked_with_both_opinions(qtbot) -> None:
    table = ScoreTable()
    qtbot.addWidget(table)
    table.show_scores(Classification({"normal": 0.3, "pneumonia": 0.7}, ("pneumonia",)), ("normal",))
    assert cells(table) == [["pneumonia", "70.0 %", "●", ""], ["normal", "30.0 %", "", "●"]]


def test_rows_are_added_one_by_one(qtbot) -> None:
    table = ResultsTable(most_rows=3)
    qtbot.addWidget(table)
    table.show_rows(["", "case"], [])
    heights = []
    for number in range(6):
        table.add_row(["✓", f"case {number}"])
        heights.append(table.height())
    assert table.rowCount() == 6
    assert heights[2] == heights[5]  # it scrolls instead of growing
