"""Descriptions of runs."""

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.options import option
from napari_medclf.jobs.spec import options_from, package_versions, portable_path, spec_of


@dataclass(frozen=True)
class Options:
    """Every kind of option."""

    data: Path = option(help="data")
    task: Task | None = option(None, help="task")
    names: tuple[str, ...] = option((), help="names")
    n: int = option(3, help="number")


def test_options_come_back():
    options = Options(Path("/data/eyes"), Task.SEGMENT, ("a", "b"), 5)

    spec = spec_of("train", options, seed=7)

    assert options_from(type(spec).model_validate_json(spec.model_dump_json()), Options) == options
    assert options_from(spec, Options, n=9).n == 9


def test_paths_can_be_made_portable(tmp_path):
    assert portable_path(tmp_path / "eyes", tmp_path) == "eyes"
    assert portable_path(tmp_path.parent / "eyes", tmp_path) == "../eyes"
    assert portable_path(Path("/home/jane/eyes"), tmp_path) == "eyes"
    assert spec_of("train", Options(tmp_path / "eyes"), base=tmp_path).options["data"] == "eyes"


def test_this_package_comes_first():
    assert next(iter(package_versions())) == "napari-medclf"
    assert "torch" in package_versions()
