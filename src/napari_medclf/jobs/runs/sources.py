"""Find the images a run is about, and give each a name that is safe, short and the same next time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.output_layout import Naming, OutputLayout
from napari_medclf.jobs.outputs.case_names import CaseNames, HiddenPlace
from napari_medclf.jobs.outputs.patient_names import PatientNames
from napari_medclf.jobs.runs.case import RunCase

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.run import CaseRecord
    from napari_medclf.io.report import Refusal


@dataclass(frozen=True)
class Sources:
    """The images that were found, what was refused, what else was found and is not run, and what places are hidden."""

    cases: tuple[RunCase, ...]
    refusals: tuple[Refusal, ...]
    skipped: tuple[CaseRecord, ...] = ()
    hidden: tuple[HiddenPlace, ...] = ()


def find_in_folder(folder: Path, reduce_to_px: int = 0) -> Sources:
    """List the images of a folder without reading their samples.

    Parameters
    ----------
    reduce_to_px : int
        As in `load_image`.

    Raises
    ------
    ReadError
        If it is no folder.
    """
    from napari_medclf.io.read import discover

    if not folder.is_dir():
        raise ReadError(folder, "is no folder" if folder.exists() else "does not exist")
    folder = _absolute(folder)
    discovery = discover(folder)
    names = name_cases(discovery.found, folder)
    return Sources(
        tuple(
            RunCase(name, ref, partial(load_image, ref, reduce_to_px))
            for name, ref in zip(names, discovery.found, strict=True)
        ),
        discovery.refusals,
    )


def find_in_paths(paths: Iterable[Path], layout: OutputLayout | None = None) -> Sources:
    """Read a few files and folders; loose DICOM files are put together into series.

    A path may be ``file.npz#train/17`` to choose an image inside a file. Names are those of the layout.
    """
    from napari_medclf.io.read import read
    from napari_medclf.io.report import Refusal

    refs = [split_member(path) for path in paths]
    report = read(ref.path for ref in refs if not ref.member)
    images, refusals = list(report.images), list(report.refusals)
    for ref in refs:
        if ref.member:
            try:
                images.append(load_image(ref))
            except ReadError as error:
                refusals.append(Refusal.of(error))
    found = [FileRef(image.source.path, image.source.member) for image in images]
    names = CaseNames(_common_folder(found), layout or OutputLayout(), _patients(images, layout))
    cases = []
    for case_id, ref, image in zip(names.case_ids(found), found, images, strict=True):
        load = partial(_give, image)
        cases.append(RunCase(case_id, ref, load, files=image.source.files, shown=names.shown(ref, case_id)))
    hidden = (HiddenPlace(case.case_id, case.shown, case.source) for case in cases if case.shown)
    return Sources(tuple(cases), tuple(_concealed(one, names) for one in refusals), hidden=tuple(hidden))


def _give(image: MedImage) -> MedImage:
    return image


def _patients(images: Iterable[MedImage], layout: OutputLayout | None) -> PatientNames:
    """Gather what headers call the patients of images, where that must not be in a name."""
    from napari_medclf.io.dicom.identity import read_identity

    if layout is not None and layout.naming is Naming.NAMED:
        return PatientNames()
    files = (image.source.files[0] for image in images if image.source.sop_instance_uids and image.source.files)
    return PatientNames.of(found for path in files if (found := read_identity(path)) is not None)


def _concealed(refusal: Refusal, names: CaseNames) -> Refusal:
    shown = names.shown(FileRef(refusal.path), names.other_id(refusal.path.name, FileRef(refusal.path)))
    if not shown:
        return refusal
    reason, hint = (names.conceal(text, refusal.path) for text in (refusal.reason, refusal.hint))
    return replace(refusal, path=Path(shown), reason=reason, hint=hint)


def name_cases(refs: Sequence[FileRef], base: Path) -> list[str]:
    """Name images by their place below a folder; equal names get a hash of the place.

    >>> name_cases([FileRef(Path("a/ct.nii.gz")), FileRef(Path("b/ct.nii.gz"))], Path("."))
    ['a_ct', 'b_ct']
    """
    return CaseNames(base).case_ids(refs)


def split_member(path: Path) -> FileRef:
    """Take ``path#member`` apart, where no file has that name."""
    text = str(path)
    if "#" in text and not path.exists():
        file, _, member = text.rpartition("#")
        return FileRef(_absolute(Path(file)), member)
    return FileRef(_absolute(path))


def _absolute(path: Path) -> Path:
    """Make a path that means the same when a run is resumed elsewhere; links are kept."""
    return Path(os.path.abspath(path))


def _common_folder(refs: Sequence[FileRef]) -> Path:
    folders = {ref.path.parent for ref in refs}
    return folders.pop() if len(folders) == 1 else Path()


def load_image(ref: FileRef, reduce_to_px: int = 0, files: Sequence[Path] = ()) -> MedImage:
    """Read one image.

    Parameters
    ----------
    reduce_to_px : int
        Single DICOM pictures are read with about this many pixels a side, and no fewer; 0 reads all.
    files : sequence of Path
        The files of a series in a folder, where they are known: others need not be looked through.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    from napari_medclf.io.read import read_image
    from napari_medclf.io.sniff import Kind
    from napari_medclf.io.walk import identify

    if reduce_to_px and not ref.member and not ref.path.is_dir() and identify(ref.path) is Kind.DICOM:
        from napari_medclf.io.dicom.pixels.reduced import read_reduced

        return read_reduced(ref.path, reduce_to_px)
    return read_image(ref.path, ref.member, files)
