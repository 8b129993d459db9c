"""Copies are found byte by byte, and nothing else is taken for one."""

from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.jobs.batch.copies import find_copies


def _entry(*files: Path, member: str = "", modality: str = "") -> SeriesEntry:
    return SeriesEntry(FileRef(files[0], member), files[0].name, "PNG", files=files, modality=modality)


def _write(folder: Path, **contents: bytes) -> dict[str, Path]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def test_the_first_of_equal_files_is_the_image(tmp_path):
    long = bytes(range(256)) * 200
    paths = _write(tmp_path, b=long, a=long, c=long[:-1], d=long)

    found = find_copies([_entry(paths[name]) for name in "bacd"])

    assert {str(copy.path.name): first.path.name for copy, first in found.items()} == {"a": "b", "d": "b"}


def test_files_that_differ_in_one_byte_anywhere_are_two_images(tmp_path):
    long = bytearray(bytes(range(256)) * 400)
    entries = []
    for place in (None, 0, 10_000, 51_200, 90_000, len(long) - 1):
        changed = bytearray(long)
        if place is not None:
            changed[place] ^= 1
        path = tmp_path / f"{place}.png"
        path.write_bytes(changed)
        entries.append(_entry(path))

    assert find_copies(entries) == {}


def test_images_inside_copied_files_are_copies_of_the_same_member(tmp_path):
    paths = _write(tmp_path, one=b"npz" * 50, two=b"npz" * 50)
    entries = [_entry(paths[name], member=member) for name in ("one", "two") for member in ("train/0", "train/1")]

    found = find_copies(entries)

    assert found == {
        FileRef(paths["two"], "train/0"): FileRef(paths["one"], "train/0"),
        FileRef(paths["two"], "train/1"): FileRef(paths["one"], "train/1"),
    }


def test_a_header_counts_with_its_samples(tmp_path):
    paths = _write(tmp_path, h1=b"header", s1=b"samples", h2=b"header", s2=b"sampleZ", h3=b"header", s3=b"samples")
    entries = [_entry(paths[f"h{n}"], paths[f"s{n}"]) for n in (1, 2, 3)]

    assert {copy.path.name: first.path.name for copy, first in find_copies(entries).items()} == {"h3": "h1"}


def test_dicom_and_what_cannot_be_read_is_passed_over(tmp_path):
    paths = _write(tmp_path, a=b"same", b=b"same")
    entries = [_entry(paths["a"], modality="CT"), _entry(paths["b"], modality="CT"), _entry(tmp_path / "gone")]

    assert find_copies(entries) == {}
