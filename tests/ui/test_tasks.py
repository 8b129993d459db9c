from pathlib import Path

import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import brain_phantom
from napari_medclf.ui.tasks import Kept, ReadAhead, item_name, look_through, open_image
from napari_medclf.ui.working_copy import WorkingCopies, WorkingCopy


def result_of(job):
    outcome = drive(job)
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def test_folder_gives_its_images_and_a_reason_for_each_other_file(pictures) -> None:
    (pictures / "broken.dcm").write_bytes(b"not DICOM")
    found = result_of(look_through(pictures))
    assert [item.name for item in found.items] == [f"disc-{number}.png" for number in range(4)]
    assert found.refused[0].startswith("broken.dcm: ")


def test_missing_path_is_a_sentence(tmp_path) -> None:
    with pytest.raises(ReadError, match="does not exist"):
        result_of(look_through(tmp_path / "nowhere"))


def test_empty_folder_is_a_sentence(tmp_path) -> None:
    with pytest.raises(ReadError, match="no.* image"):
        result_of(look_through(tmp_path))


def test_opened_image_comes_with_what_was_painted_on_it(pictures, tmp_path) -> None:
    copies, ref = WorkingCopies(tmp_path / "working"), FileRef(pictures / "disc-0.png")
    first = result_of(open_image(ref, ReadAhead(), Kept(copies)))
    assert first.painted is None
    truth = brain_phantom().truth
    labels = (first.image.data > 100).astype("uint8")
    painted = type(truth)(labels, first.image.geometry, truth.schema)
    copies.save(first.image, WorkingCopy(painted))
    again = result_of(open_image(ref, ReadAhead(), Kept(copies)))
    assert (again.painted[0] == labels[0]).all()


def test_image_read_ahead_is_not_read_again(pictures, tmp_path) -> None:
    ahead, ref = ReadAhead(), FileRef(pictures / "disc-1.png")
    result_of(ahead.read(ref))
    ref.path.unlink()
    assert ahead.take(ref).name == "disc-1"
    with pytest.raises(ReadError):
        ahead.take(ref)


def test_long_member_names_are_shortened() -> None:
    ref = FileRef(Path("/study/a"), "1.2.840.113619.2.55.3.2831868886.11")
    assert item_name(ref, Path("/study")) == "a · …2.55.3.2831868886.11"
