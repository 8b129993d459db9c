from napari_medclf.ui.curve import Curve, nice_top


def test_axis_ends_at_a_round_number() -> None:
    assert [nice_top(value) for value in (0.83, 1.7, 23.0, 0.04, 0.0)] == [1.0, 2.0, 25.0, 0.05, 1.0]


def test_epochs_are_kept_by_name_and_gaps_are_left_out(qtbot) -> None:
    curve = Curve()
    qtbot.addWidget(curve)
    curve.add(1, {"loss": 0.9, "dice": float("nan")})
    curve.add(2, {"loss": 0.5, "dice": 0.7}, is_best=True)
    assert curve.series == {"loss": [(1, 0.9), (2, 0.5)], "dice": [(2, 0.7)]}


def test_drawn_line_uses_more_colours_than_the_empty_chart(qtbot) -> None:
    curve = Curve()
    qtbot.addWidget(curve)
    curve.resize(360, 200)
    empty = colours(curve)
    for epoch in range(1, 6):
        curve.add(epoch, {"loss": 1 / epoch, "dice": 1 - 1 / (epoch + 1)}, is_best=epoch == 4)
    assert {"#e69f00", "#56b4e9"} <= colours(curve) - empty


def colours(widget) -> set[str]:
    image = widget.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
