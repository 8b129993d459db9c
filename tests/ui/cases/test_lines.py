import math
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.ui.cases.lines import CaseLine, CaseList, counts_text, in_order, lines_of_dataset


def case(name: str, **more) -> Case:
    return Case(name, more.pop("group", name), {"image": FileRef(Path(f"{name}.png"))}, **more)


def dataset(*cases: Case) -> Dataset:
    return Dataset("lungs", Task.CLASSIFY, LabelSchema.from_names(["clear", "opaque"]), cases, Path("lungs"))


def test_columns_are_those_that_the_data_can_fill() -> None:
    plain = lines_of_dataset(dataset(case("a", classes=("clear",))))
    assert plain.columns == ("case", "class")
    full = lines_of_dataset(
        dataset(
            case("a", group="jo", classes=("clear",), split=Split.TRAIN, facts={"site": "north"}),
            case("b", group="jo", classes=("opaque",), split=Split.TRAIN, values={"age": 61.0}),
        )
    )
    assert full.columns == ("case", "split", "class", "age", "patient", "site")
    assert full.lines[1].cells == ("b", "train", "opaque", 61.0, "jo", "")
    assert full.choosers == ("split", "class")


def test_every_word_of_the_filter_must_stand_in_the_row() -> None:
    cases = CaseList(("case", "class"), (CaseLine("ap-1", ("ap-1", "Clear")), CaseLine("ap-2", ("ap-2", "opaque"))))
    assert [line.case_id for line in cases.picked("AP clear")] == ["ap-1"]
    assert [line.case_id for line in cases.picked("", {"class": "opaque"})] == ["ap-2"]
    assert cases.picked("ap", {"class": "none"}) == ()


def test_sorting_puts_what_is_unknown_last_both_ways() -> None:
    lines = tuple(CaseLine(name, (name, value)) for name, value in (("a", 0.4), ("b", math.nan), ("c", 0.9)))
    assert [line.case_id for line in in_order(lines, 1)] == ["a", "c", "b"]
    assert [line.case_id for line in in_order(lines, 1, is_descending=True)] == ["c", "a", "b"]
    assert [line.case_id for line in in_order(lines, 0, is_descending=True)] == ["c", "b", "a"]


def test_counts_name_every_split_and_class() -> None:
    made = dataset(
        case("a", classes=("clear",), split=Split.TRAIN),
        case("b", classes=("opaque",), split=Split.TEST),
        case("c", classes=("opaque",), split=Split.TRAIN),
    )
    assert counts_text(made) == "train 2 · test 1\nopaque 2 · clear 1"
