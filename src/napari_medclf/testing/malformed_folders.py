"""Folders and archives with what does not belong there: pipes, sockets, links, odd names, ways out."""

from __future__ import annotations

import io
import os
import socket
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from napari_medclf.testing.bombs import deflate_bomb
from napari_medclf.testing.coded_series import PLANTED_NAME
from napari_medclf.testing.dicom_bytes import encode_file
from napari_medclf.testing.malformed import Allowed, MalformedCase
from napari_medclf.testing.malformed_dicom import sound

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_ODD_NAMES = {
    "no UTF-8": os.fsdecode(b"\xff\xfe\xe4.dcm"),
    "a line break": "a\nb.dcm",
    "an emoji": "\N{BRAIN}.dcm",
    "a combined letter": "e\u0301.dcm",
    "250 letters": "x" * 246 + ".dcm",
    "a leading dash": "-rf.dcm",
    "quotes and blanks": " '\"`$(touch hacked) .dcm",
    "an escape sequence": "\x1b[31mred.dcm",
    "a trailing dot": "a.",
    "writing from the right": "\u202egnp.dcm",
}


def cases() -> Iterator[MalformedCase]:
    """Every case of a folder or archive."""
    yield from _special_files()
    yield from _links()
    for name, file_name in _ODD_NAMES.items():
        yield _beside(f"folder with a name of {name}", lambda folder, n=file_name: _image(folder / n))  # type: ignore[misc]
    yield from _archives()
    yield from _directories()


def _beside(name: str, spoil: Callable[[Path], Any], allowed: Allowed = Allowed.READ) -> MalformedCase:
    """Make a case of a folder with two sound slices and something odd."""

    def build(folder: Path) -> Path:
        inside = folder / "series"
        inside.mkdir()
        for k in (0, 1):
            (inside / f"IM{k}").write_bytes(encode_file(sound(k)))
        spoil(inside)
        return inside

    return MalformedCase(name, "folder", build, allowed)


def _alone(name: str, make: Callable[[Path], Path]) -> MalformedCase:
    return MalformedCase(name, "special file", make, Allowed.NOTHING)


def _image(path: Path) -> None:
    """Write a picture of another series."""
    path.write_bytes(encode_file(sound(0, SeriesInstanceUID="1.2.3.4", SOPInstanceUID="1.2.3.5")))


def _special_files() -> Iterator[MalformedCase]:
    def pipe(folder: Path) -> Path:
        os.mkfifo(folder / "pipe.dcm")
        return folder / "pipe.dcm"

    def listening(folder: Path) -> Path:
        here = os.open(folder, os.O_RDONLY)  # a socket's name is limited to 108 bytes, so bind it by a short one
        one = socket.socket(socket.AF_UNIX)
        one.bind(f"/proc/self/fd/{here}/s.dcm")
        one.close()
        os.close(here)
        return folder / "s.dcm"

    def device(folder: Path) -> Path:
        (folder / "zero.dcm").symlink_to("/dev/zero")
        return folder / "zero.dcm"

    def unreadable(folder: Path) -> Path:
        _image(folder / "no.dcm")
        (folder / "no.dcm").chmod(stat.S_IWUSR)
        return folder / "no.dcm"

    def empty(folder: Path) -> Path:
        (folder / "empty").mkdir()
        return folder / "empty"

    def deep(folder: Path) -> Path:
        here = folder
        for _ in range(60):
            here /= "d"
        here.mkdir(parents=True)
        _image(here / "a.dcm")
        return folder

    for name, make in (("pipe", pipe), ("socket", listening), ("device", device)):
        yield _alone(f"{name} alone", make)
        yield _beside(f"folder with a {name}", make)
    yield MalformedCase("file without permission", "special file", unreadable, Allowed.REFERENCE)
    yield _alone("empty folder", empty)
    yield MalformedCase("folder 60 deep", "folder", deep, Allowed.READ)
    yield _alone("nothing there", lambda folder: folder / "absent.dcm")


def _links() -> Iterator[MalformedCase]:
    def dangling(folder: Path) -> Path:
        (folder / "gone.dcm").symlink_to("nowhere")
        return folder / "gone.dcm"

    def looped(folder: Path) -> Path:
        (folder / "a.dcm").symlink_to("b.dcm")
        (folder / "b.dcm").symlink_to("a.dcm")
        return folder / "a.dcm"

    yield _alone("dangling link", dangling)
    yield _alone("links in a loop", looped)
    yield _beside("folder with a dangling link", dangling)
    yield _beside("folder with links in a loop", looped)
    yield _beside("folder that links to itself", lambda folder: (folder / "again").symlink_to(folder))
    yield _beside("folder that links to its parent", lambda folder: (folder / "up").symlink_to(".."))
    yield _beside("folder that links to the root", lambda folder: (folder / "root").symlink_to("/"))


def _archives() -> Iterator[MalformedCase]:
    def case(name: str, content: Callable[[], bytes], allowed: Allowed = Allowed.NOTHING) -> MalformedCase:
        def build(folder: Path) -> Path:
            inner = folder / "in"
            inner.mkdir()
            (inner / "case.zip").write_bytes(content())
            return inner / "case.zip"

        return MalformedCase(f"zip {name}", "zip", build, allowed)

    image = encode_file(sound())
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    yield case("sound", lambda: _zip({"a/1.dcm": image, "a/2.dcm": encode_file(sound(1))}), Allowed.READ)
    yield case("that leads out", lambda: _zip({"../../evil.dcm": image}))
    yield case("that leads to the root", lambda: _zip({"/tmp/evil-absolute.dcm": image}))  # noqa: S108  (must not be written)
    yield case("with backslashes", lambda: _zip({"..\\..\\evil.dcm": image}), Allowed.REFERENCE)
    yield case("with a drive", lambda: _zip({"C:\\evil.dcm": image}), Allowed.REFERENCE)
    yield case("with a link", lambda: _zip({link: b"/etc/passwd"}))
    yield case(
        "with one name twice", lambda: _zip([("a.dcm", image), ("a.dcm", encode_file(sound(1)))]), Allowed.WARNED
    )
    yield case("within a zip within a zip", lambda: _zip({"a.zip": _zip({"b.zip": _zip({"a.dcm": image})})}))
    yield case("of 30000 files", lambda: _zip({f"{n}": b"x" for n in range(30_000)}))
    yield case("of nothing", lambda: _zip({}))
    yield case("cut", lambda: _zip({"a.dcm": image})[:-20])
    yield case("cut to its start", lambda: _zip({"a.dcm": image})[:100])
    yield case("encrypted", lambda: _flagged(_zip({"a.dcm": image})))
    yield case("of 3 GiB", lambda: _zip_bomb(3072))
    yield case("of noise", lambda: b"PK\3\4" + bytes(range(256)) * 8)


def _zip(members: Any) -> bytes:
    buffer = io.BytesIO()
    pairs = members if isinstance(members, list) else list(members.items())
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for position, (name, content) in enumerate(pairs):
            archive.writestr(name if position == 0 or name != pairs[0][0] else "b.dcm", content)
    packed = buffer.getvalue()
    return packed.replace(b"b.dcm", b"a.dcm") if isinstance(members, list) else packed


def _flagged(archive: bytes) -> bytes:
    """Set the bit that says encrypted, in the local and in the central header."""
    changed = bytearray(archive)
    changed[6] |= 1
    changed[changed.rindex(b"PK\1\2") + 8] |= 1
    return bytes(changed)


def _zip_bomb(n_mebibytes: int) -> bytes:
    """One stored member whose sizes are changed to those of a bomb."""
    packed = deflate_bomb(b"", n_mebibytes)
    info = zipfile.ZipInfo("zeros.dcm")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, packed)
    content = bytearray(buffer.getvalue())
    central = content.rindex(b"PK\1\2")
    size = (n_mebibytes * 2**20).to_bytes(4, "little")
    content[8], content[central + 10] = 8, 8
    content[22:26] = content[central + 24 : central + 28] = size
    return bytes(content)


def _directories() -> Iterator[MalformedCase]:
    def case(name: str, records: list[dict[str, Any]], allowed: Allowed) -> MalformedCase:
        def build(folder: Path) -> Path:
            (folder / "IM0").write_bytes(encode_file(sound()))
            (folder / "DICOMDIR").write_bytes(encode_file(_directory(records)))
            return folder / "DICOMDIR"

        return MalformedCase(f"DICOMDIR {name}", "DICOMDIR", build, allowed)

    yield case("of a file", [_record("IM0")], Allowed.REFERENCE)
    yield case("that leads out", [_record("..\\..\\..\\etc\\passwd")], Allowed.NOTHING)
    yield case("that leads to the root", [_record("\\etc\\passwd")], Allowed.NOTHING)
    yield case("of a file that is absent", [_record("GONE")], Allowed.NOTHING)
    yield case("of itself", [_record("DICOMDIR")], Allowed.NOTHING)
    yield case("in a circle", [_record("IM0") | {"OffsetOfTheNextDirectoryRecord": 400}] * 2, Allowed.REFERENCE)
    yield case("of nothing", [], Allowed.REFERENCE)
    yield case("of 5000 absent files", [_record(f"X{n}") for n in range(5000)], Allowed.NOTHING)


def _record(file_id: str) -> dict[str, Any]:
    return {
        "OffsetOfTheNextDirectoryRecord": 0,
        "RecordInUseFlag": 0xFFFF,
        "OffsetOfReferencedLowerLevelDirectoryEntity": 0,
        "DirectoryRecordType": "IMAGE",
        "ReferencedFileID": file_id,
        "ReferencedSOPClassUIDInFile": "1.2.840.10008.5.1.4.1.1.2",
        "ReferencedSOPInstanceUIDInFile": sound()["SOPInstanceUID"],
        "ReferencedTransferSyntaxUIDInFile": "1.2.840.10008.1.2.1",
        "PatientName": PLANTED_NAME,
    }


def _directory(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "SOPClassUID": _MEDIA_DIRECTORY,
        "SOPInstanceUID": "1.2.3.4.5",
        "FileSetID": "SECRET",
        "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity": 400,
        "OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity": 400,
        "FileSetConsistencyFlag": 0,
        "DirectoryRecordSequence": records,
    }
