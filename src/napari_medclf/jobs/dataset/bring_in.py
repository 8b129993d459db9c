"""Bring data of any layout into one of ours, and join images with a table of labels by name, series or patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import DatasetError, MedclfError, OptionError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.options import option
from napari_medclf.jobs.dataset.choice import DataOptions
from napari_medclf.jobs.dataset.export import Exported, check_written, make_writer, write_cases

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset, FileRef
    from napari_medclf.domain.listing import SeriesEntry
    from napari_medclf.store.datasets.tables import Table

_NO_IMAGES = ("SEG", "RTSTRUCT", "SR", "PR", "KO", "RWV", "stack")
_SERIES = ("series_uid", "seriesuid", "series_instance_uid", "seriesinstanceuid")
_STUDIES = ("study_uid", "studyuid", "study_instance_uid", "studyinstanceuid")


@dataclass(frozen=True, kw_only=True)
class ImportOptions(DataOptions):
    """Which data to bring in, and how."""

    out: Path = option(help="folder of the new data; must not be there yet")
    labels: Path | None = option(
        None, help="CSV or TSV whose rows name files, DICOM series, studies or patients, with what is known of them"
    )
    copy: bool = option(False, help="write images into the new folder, in place of leading to where they lie")
    project: bool = option(False, help="make a project, whose answers can be corrected further")


@dataclass(frozen=True)
class _Seen:
    """An image that was found, and the names a table may call it by."""

    ref: FileRef
    name: str
    patient: str
    keys: Mapping[str, str]


def import_data(options: ImportOptions) -> Job[Exported]:
    """Bring in data of a layout that is known, or images with a table of labels, or images alone.

    Images alone become a table with an empty column ``label``, to be filled in.

    Raises
    ------
    OptionError
        If the folder is there already.
    DatasetError
        If nothing can be brought in.
    """
    if options.out.exists():
        raise OptionError(f"{options.out} is there already. Choose another folder.")
    if options.labels is not None:
        return (yield from _join(options))
    yield Progress(0, 0, f"opening {options.data}")
    dataset, reason = _open(options)
    if dataset is None:
        yield Warned(f"{reason} The images are brought in without labels.")
        return (yield from _join(options))
    for warning in dataset.warnings:
        yield Warned(warning)
    layout = "project" if options.project else "table"
    writer = make_writer(layout, options.out, dataset, is_copied=options.copy)
    n_failed = yield from write_cases(writer)
    check_written(options.out, dataset, len(writer.done))
    return Exported(options.out, layout, len(writer.done), n_failed)


def _open(options: ImportOptions) -> tuple[Dataset | None, str]:
    """Open data that tells what it shows; of a folder that does not, return why."""
    from napari_medclf.jobs.data import open_data

    try:
        return open_data(options.choice), ""
    except DatasetError as error:
        if options.task is not None or not options.data.is_dir():
            raise
        return None, str(error)


def _join(options: ImportOptions) -> Job[Exported]:
    from napari_medclf.jobs.dataset.writers.base import write_table
    from napari_medclf.jobs.dataset.writers.tables import TABLE
    from napari_medclf.store.datasets.tables import read_table

    if options.project:
        raise OptionError("--project needs data that tells what it shows; bring it in as a table first.")
    seen = yield from _find(options.data)
    table = None if options.labels is None else read_table(options.labels)
    rows: list[dict[str, Any]] = []
    n_failed = 0
    known = {} if table is None else _known_of(table)
    for position, (one, name) in enumerate(_named(seen)):
        yield Progress(position, len(seen), name)
        facts = _look_up(one, known) if table is not None else {"label": ""}
        if facts is None:
            continue
        try:
            path = _stored(one.ref, name, options)
        except MedclfError as error:
            n_failed += 1
            yield CaseFailed(name, one.ref.path, str(error))
            continue
        rows.append({"case_id": name, "path": path, "patient": one.patient or name, **facts})
    if not rows:
        raise DatasetError(f"{options.data}: not one of {len(seen)} images is named in {options.labels}.")
    if table is not None and len(rows) < len(seen):
        yield Warned(f"{len(seen) - len(rows)} of {len(seen)} images are not named in {options.labels}, or unreadable.")
    write_table(options.out / TABLE, rows)
    return Exported(options.out, "table", len(rows), n_failed)


def _find(folder: Path) -> Job[list[_Seen]]:
    from napari_medclf.io.discover import discover

    yield Progress(0, 0, f"looking through {folder}")
    found = discover(folder)
    for refusal in found.refusals:
        yield Warned(str(refusal))
    entries = [one for one in found.entries if not one.reason and one.kind not in _NO_IMAGES]
    if not entries:
        raise DatasetError(f"{folder}: holds no image.")
    seen = []
    for position, entry in enumerate(entries):
        yield Progress(position, len(entries), entry.name)
        seen.append(_see(entry, folder))
    return seen


def _see(entry: SeriesEntry, folder: Path) -> _Seen:
    """Gather the names of an image: of its file, and of the DICOM header."""
    from napari_medclf.store.files import stem

    path = entry.ref.path
    relative = path.resolve().relative_to(folder.resolve()).as_posix() if path != folder else path.name
    keys = {"file": path.name, "stem": stem(path), "relative": relative}
    patient = ""
    if entry.series_uid:
        from napari_medclf.io.dicom.header import read_headers

        header = read_headers(entry.first_file or path)[0]
        patient = header.patient_key
        keys |= {"series": header.series_uid, "study": header.study_uid, "patient": patient}
    name = stem(path) + (f"-{entry.series_number}" if path.is_dir() and entry.series_number else "")
    return _Seen(entry.ref, name, patient, {kind: text for kind, text in keys.items() if text})


def _named(seen: list[_Seen]) -> Iterator[tuple[_Seen, str]]:
    from napari_medclf.store.files import unique_names

    return zip(seen, unique_names(one.name for one in seen), strict=True)


def _known_of(table: Table) -> dict[tuple[str, str], dict[str, str]]:
    """What a table says, by the kind of name and the name itself; columns that may name a person are left out.

    Raises
    ------
    DatasetError
        If it names neither files, series, studies nor patients.
    """
    from napari_medclf.io.dicom.keys import patient_key
    from napari_medclf.store.datasets.table_roles import is_personal
    from napari_medclf.store.datasets.tables import GROUP_COLUMNS, ID_COLUMNS, PATH_COLUMNS
    from napari_medclf.store.files import stem

    kinds = {
        "series": _SERIES,
        "study": _STUDIES,
        "relative": PATH_COLUMNS,
        "stem": ID_COLUMNS,
        "patient": GROUP_COLUMNS,
    }
    columns = {kind: column for kind, names in kinds.items() if (column := table.column(names)) is not None}
    if not columns:
        raise DatasetError(
            f"{table.path}: names neither files (path), DICOM series (series_uid), studies (study_uid) nor patients "
            f"(patient_id); found: {', '.join(table.columns)}."
        )
    kept = [name for name in table.columns if name not in columns.values() and not is_personal(name)]
    known: dict[tuple[str, str], dict[str, str]] = {}
    for row in table.rows:
        said = {name: row[name].strip() for name in kept}
        for kind, column in columns.items():
            cell = row[column].strip()
            if kind == "patient":
                known[kind, patient_key(cell)] = said
            elif kind == "relative":
                known |= {("relative", cell): said, ("file", Path(cell).name): said, ("stem", stem(Path(cell))): said}
            else:
                known[kind, cell] = said
    return known


def _look_up(one: _Seen, known: Mapping[tuple[str, str], dict[str, str]]) -> dict[str, str] | None:
    """Find what is said of an image by its closest name: series, then file, then study, then patient."""
    for kind in ("series", "relative", "file", "stem", "study", "patient"):
        if kind in one.keys and (kind, one.keys[kind]) in known:
            return known[kind, one.keys[kind]]
    return None


def _stored(ref: FileRef, name: str, options: ImportOptions) -> str:
    if not options.copy:
        whole = ref.path.resolve().as_posix()
        return f"{whole}#{ref.member}" if ref.member else whole
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.dataset.writers.base import save_image

    return (
        save_image(read_image(ref.path, ref.member), options.out / "images", name).relative_to(options.out).as_posix()
    )
