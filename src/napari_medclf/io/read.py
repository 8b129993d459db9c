"""The way in: files and folders become images, and each one that cannot gets its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage
from napari_medclf.io import medmnist
from napari_medclf.io.raster.picture import read_picture
from napari_medclf.io.raster.tiff import read_tiff
from napari_medclf.io.report import Discovery, ReadReport, Refusal
from napari_medclf.io.sniff import Kind, can_read, kind_by_name
from napari_medclf.io.volume.nifti import read_nifti
from napari_medclf.io.volume.nrrd import read_nrrd
from napari_medclf.io.walk import Collected, collect, identify

__all__ = ["Discovery", "ReadReport", "Refusal", "can_read", "discover", "read", "read_each", "read_image"]

_ONE_IMAGE: dict[Kind, Callable[[Path], MedImage]] = {
    Kind.NIFTI: read_nifti,
    Kind.NRRD: read_nrrd,
    Kind.PNG: read_picture,
    Kind.JPEG: read_picture,
    Kind.TIFF: read_tiff,
}
_MOST_NAMED = 8


def read(paths: Iterable[Path]) -> ReadReport:
    """Read everything in some files and folders; never raises for a bad file.

    DICOM files are put together into series wherever they lie. An npz gives one image a split.
    """
    results = list(read_each(paths))
    return ReadReport(
        tuple(one for one in results if isinstance(one, MedImage)),
        tuple(one for one in results if isinstance(one, Refusal)),
    )


def read_each(paths: Iterable[Path]) -> Iterator[MedImage | Refusal]:
    """Do as `read`, one image or refusal at a time, so that a large study need not fit into memory."""
    collected = collect(Path(path) for path in paths)
    yield from collected.refusals
    refusals: list[Refusal] = []
    for load in _loaders(collected, refusals):
        try:
            yield load()
        except ReadError as error:
            yield Refusal.of(error)
    yield from refusals


def read_image(path: Path, member: str = "") -> MedImage:
    """Read exactly one image.

    Parameters
    ----------
    path : Path
        A file, or the folder of a DICOM series.
    member : str
        Which image, where the path holds several: as in `FileRef.member` or `Source.member`.

    Raises
    ------
    ReadError
        If it cannot be read; or, naming the members, if there are several.
    """
    path = Path(path)
    if path.is_dir():
        return _read_from_folder(path, member)
    kind = identify(path)
    if kind is Kind.NPZ:
        return _read_npz(path, member)
    if member:
        raise ReadError(path, f"is one image and has no member {member!r}")
    if kind is Kind.DICOM:
        from napari_medclf.io.dicom.read import read_file

        return _note_name(read_file(path), kind)
    return _note_name(_ONE_IMAGE[kind](path), kind)


def discover(folder: Path) -> Discovery:
    """List the images of a folder from names and headers, without reading samples.

    A DICOM series of several files is one `FileRef` of their folder, with the series as member; a
    file that is an image of its own is a `FileRef` of the file.
    """
    collected = collect([Path(folder)])
    refusals = list(collected.refusals)
    found: list[FileRef] = []
    for one in collected.files:
        if one.kind is Kind.NPZ:
            try:
                found.extend(FileRef(one.path, member) for member in medmnist.list_members(one.path))
            except ReadError as error:
                refusals.append(Refusal.of(error))
        elif one.kind is not Kind.DICOM:
            found.append(FileRef(one.path))
    dicom_files = collected.of_kind(Kind.DICOM)
    if dicom_files:
        from napari_medclf.io.dicom.read import scan_files

        scan = scan_files(dicom_files)
        found.extend(scan.refs)
        refusals.extend(scan.refusals)
    return Discovery(tuple(found), tuple(refusals))


def _loaders(collected: Collected, refusals: list[Refusal]) -> Iterator[Callable[[], MedImage]]:
    for one in collected.files:
        if one.kind is Kind.NPZ:
            try:
                splits = medmnist.splits_of(one.path, medmnist.read_headers(one.path))
            except ReadError as error:
                refusals.append(Refusal.of(error))
                continue
            for split in splits:
                yield lambda path=one.path, split=split: medmnist.read_member(path, split)  # type: ignore[misc]
        elif one.kind is not Kind.DICOM:
            yield lambda path=one.path, kind=one.kind: _note_name(_ONE_IMAGE[kind](path), kind)  # type: ignore[misc]
    dicom_files = collected.of_kind(Kind.DICOM)
    if dicom_files:
        from napari_medclf.io.dicom.read import scan_files

        scan = scan_files(dicom_files)
        refusals.extend(scan.refusals)
        yield from scan.loaders()


def _read_from_folder(folder: Path, member: str) -> MedImage:
    from napari_medclf.io.dicom.read import read_stack, scan_files

    collected = collect([folder])
    scan = scan_files(collected.of_kind(Kind.DICOM))
    if member:
        return scan.read_member(folder, member)
    others = [one.path for one in collected.files if one.kind is not Kind.DICOM]
    if len(scan.stacks) == 1 and not others:
        return read_stack(scan.stacks[0])
    if len(others) == 1 and not scan.stacks:
        return read_image(others[0])
    names = [ref.member or ref.path.name for ref in scan.refs] + [path.name for path in others]
    raise _not_one(folder, names, (*collected.refusals, *scan.refusals))


def _not_one(folder: Path, names: list[str], refusals: tuple[Refusal, ...]) -> ReadError:
    if not names:
        if len(refusals) == 1:
            return refusals[0].as_error()
        first = f", such as {refusals[0]}" if refusals else ""
        return ReadError(folder, f"holds no readable image; {len(refusals)} files were refused{first}")
    listing = ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")
    return ReadError(folder, f"holds {len(names)} images, and one was expected: {listing}", "Name one of them.")


def _read_npz(path: Path, member: str) -> MedImage:
    if member:
        return medmnist.read_member(path, member)
    headers = medmnist.read_headers(path)
    n_images = {split: headers[f"{split}_images"].shape[0] for split in medmnist.splits_of(path, headers)}
    members = [f"{split}/0 ... {split}/{n - 1}" for split, n in n_images.items()]
    raise ReadError(path, f"holds several images: {', '.join(members)}", "Name one of them.")


def _note_name(image: MedImage, kind: Kind) -> MedImage:
    """Say so when a file's name promises another kind than its content."""
    named = kind_by_name(image.source.path)
    if named in (kind, Kind.UNKNOWN) or image.source.path.is_dir():
        return image
    note = f"Its name ends in {image.source.path.suffix}, and its content is {kind}; it was read as {kind}."
    return replace(image, warnings=(*image.warnings, note))
