import pytest

from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.recipes import ShowOptions, show_recipe
from napari_medclf.ui.training.settings_table import SettingsTable


@pytest.fixture
def table(qtbot) -> SettingsTable:
    made = SettingsTable()
    qtbot.addWidget(made)
    made.show_recipe(drive(show_recipe(ShowOptions("small-resnet"))).result)
    return made


def row_of(table: SettingsTable, path: str) -> int:
    return next(row for row in range(table.table.rowCount()) if table.table.item(row, 0).text() == path)


def test_every_setting_stands_with_its_value_and_help(table) -> None:
    row = row_of(table, "optimiser.lr")
    assert float(table.table.item(row, 1).text()) > 0
    table.table.setCurrentCell(row, 0)
    assert table.help.text().startswith("Highest learning rate")


def test_changed_setting_stands_out_and_becomes_a_set(table) -> None:
    row = row_of(table, "optimiser.lr")
    table.table.item(row, 1).setText("0.0123")
    assert table.value == ("optimiser.lr=0.0123",)
    assert table.table.item(row, 0).font().bold()
    assert "Planned" in table.table.item(row, 1).toolTip()


def test_setting_put_back_to_what_was_planned_is_no_change(table) -> None:
    planned = table.table.item(row_of(table, "batch"), 1).text()
    assert table.change("batch", "3")
    assert table.change("batch", planned)
    assert table.value == ()


def test_value_that_does_not_fit_is_refused_and_the_old_one_stays(table) -> None:
    from napari.utils.notifications import notification_manager

    notification_manager.records.clear()
    assert not table.change("optimiser.lr", "fast")
    assert "optimiser.lr" in notification_manager.records[-1].message
    assert table.value == ()
    assert table.table.item(row_of(table, "optimiser.lr"), 1).text() != "fast"


def test_filter_looks_through_names_and_help(table) -> None:
    table.filter.setText("warmup")
    shown = [
        table.table.item(row, 0).text()
        for row in range(table.table.rowCount())
        if not table.table.isRowHidden(row)
    ]  # fmt: skip
    assert "schedule.warmup" in shown
    assert "batch" not in shown


def test_changes_are_kept_for_a_recipe_that_has_the_setting(table) -> None:
    table.change("batch", "3")
    table.show_recipe(drive(show_recipe(ShowOptions("unet"))).result)
    assert table.value == ("batch=3",)
    table.forget()
    assert table.value == ()
