"""What a folder holds besides images is passed over with a reason, file by file."""

import os

import pytest

from napari_medclf.io.read import discover


@pytest.fixture
def folder(tmp_path):
    """One picture, and everything that is none."""
    from PIL import Image

    Image.new("L", (5, 4)).save(tmp_path / "eye.png")
    for name in ("notes.TXT", "a.csv", "card.json", "LICENSE", ".hidden", ".x.tmp-7", "lonely.raw", "DICOMDIR"):
        (tmp_path / name).write_bytes(b"\x00nothing")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.png").touch()
    return tmp_path


def test_each_file_that_is_no_image_has_its_reason(folder):
    reasons = {one.path.name: one.reason for one in discover(folder).others}

    assert reasons == {
        "notes.TXT": "is a text (.txt), not an image",
        "a.csv": "is a table (.csv), not an image",
        "card.json": "is a file that accompanies images (.json), not an image",
        "LICENSE": "is a file that accompanies images, not an image",
        "DICOMDIR": "is an index of DICOM files, which are found by themselves",
        ".hidden": "is a hidden file (its name begins with a dot)",
        ".x.tmp-7": "is a temporary file of a write that did not end",
        ".git": "is a hidden folder (its name begins with a dot)",
        "lonely.raw": "holds samples without a header; .hdr, .mhd, .nhdr was expected",
    }


def test_samples_belong_to_the_header_beside_them(folder):
    import numpy as np

    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.domain.image import MedImage
    from napari_medclf.io.write import write_image

    image = MedImage(np.zeros((3, 4, 5), np.int16), Geometry.from_spacing((3, 4, 5), (3.0, 1.0, 1.0)), "brain")
    write_image(image, folder / "brain.mha")
    packed = (folder / "brain.mha").read_bytes()
    head, _, samples = packed.partition(b"ElementDataFile = LOCAL\n")
    (folder / "brain.mhd").write_bytes(head + b"ElementDataFile = brain.raw\n")
    (folder / "brain.raw").write_bytes(samples)
    (folder / "brain.mha").unlink()

    (entry,) = [one for one in discover(folder).entries if one.kind == "MetaImage"]

    assert [path.name for path in entry.files] == ["brain.mhd", "brain.raw"]


def test_what_is_left_out_is_not_opened(folder):
    os.mkfifo(folder / "pipe.png") if hasattr(os, "mkfifo") else (folder / "pipe.png").touch()
    (folder / "old").mkdir()
    (folder / "old" / "b.png").write_bytes(b"damaged")
    asked = []

    def leave_out(path, is_folder):
        asked.append((path.name, is_folder))
        return "not wanted" if path.name in ("old", "pipe.png") else ""

    found = discover(folder, leave_out=leave_out)

    assert {one.path.name: one.reason for one in found.left_out} == {"old": "not wanted", "pipe.png": "not wanted"}
    assert found.refusals == ()
    assert [ref.path.name for ref in found.found] == ["eye.png"]
    assert ("old", True) in asked
    assert not any(name == "b.png" for name, _ in asked)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among files")
def test_pipes_and_linked_folders_are_named(folder):
    os.mkfifo(folder / "pipe.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)

    reasons = {one.path.name: one.reason for one in discover(folder).others}

    assert reasons["pipe.png"] == "is a pipe, socket or device, not a file"
    assert reasons["loop"] == "is a link to a folder, and such links are not followed"
