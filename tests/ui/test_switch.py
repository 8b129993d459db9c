from qtpy.QtWidgets import QLabel

from napari_medclf.ui.switch import Switch


def test_one_page_is_shown_and_many_names_take_two_rows(qtbot) -> None:
    names = ("Numbers", "Confusion", "ROC", "Calibration", "Groups", "Rivals")
    switch = Switch({name: QLabel(name) for name in names})
    qtbot.addWidget(switch)
    switch.resize(380, 300)
    switch.show()
    switch.buttons["ROC"].click()
    assert switch.current == "ROC"
    tops = [switch.buttons[name].y() for name in names]
    assert tops[:3] == [tops[0]] * 3
    assert tops[3] > tops[0]
    assert switch.minimumSizeHint().width() <= 380


def test_page_that_is_not_offered_any_more_gives_way_to_the_first(qtbot) -> None:
    switch = Switch({name: QLabel(name) for name in ("a", "b", "c")})
    qtbot.addWidget(switch)
    switch.show_page("c")
    heard = []
    switch.switched.connect(heard.append)
    switch.set_names(("a", "b"))
    assert switch.current == "a"
    assert heard == ["a"]
    assert not switch.buttons["c"].isVisibleTo(switch)
