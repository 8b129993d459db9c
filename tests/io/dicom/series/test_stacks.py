import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.read import discover, read, read_image


def second_series(dataset, k):
    dataset.SeriesInstanceUID += ".9"
    dataset.SOPInstanceUID += ".9"
    dataset.SeriesNumber = 9


def second_echo(dataset, k):
    dataset.EchoNumbers = 2
    dataset.SOPInstanceUID += ".2"


def first_echo(dataset, k):
    dataset.EchoNumbers = 1


def test_study_in_one_folder_is_taken_apart_by_series(tmp_path, phantom, write_series):
    write_series(tmp_path / "study", phantom)
    for file in write_series(tmp_path / "other", phantom, second_series).iterdir():
        file.rename(tmp_path / "study" / f"b{file.name}")
    (tmp_path / "other").rmdir()
    images = read([tmp_path]).images
    assert [image.geometry.shape for image in images] == [(12, 20, 28)] * 2
    refs = discover(tmp_path).found
    assert len({ref.member for ref in refs}) == 2
    for ref in refs:
        assert read_image(ref.path, ref.member).source.series_uid == ref.member
    with pytest.raises(ReadError, match="holds 2 images"):
        read_image(tmp_path)


def test_series_spread_over_folders_is_one_image(tmp_path, phantom, write_series):
    folder = write_series(tmp_path / "a", phantom)
    (tmp_path / "b").mkdir()
    for file in sorted(folder.iterdir())[:5]:
        file.rename(tmp_path / "b" / file.name)
    (image,) = read([tmp_path]).images
    assert image.geometry.same_grid(phantom.geometry)
    assert image.source.path == tmp_path


def test_echoes_at_the_same_places_become_two_images(tmp_path, phantom, write_series):
    write_series(tmp_path / "a", phantom, first_echo)
    write_series(tmp_path / "b", phantom, second_echo)
    images = read([tmp_path]).images
    assert [image.name for image in images] == ["CT-4-Thorax_3.5-echo_1", "CT-4-Thorax_3.5-echo_2"]
    assert all("2 images" in image.warnings[0] for image in images)
    for image in images:
        again = read_image(tmp_path, image.source.member)
        assert again.source.sop_instance_uids == image.source.sop_instance_uids


def test_two_patients_under_one_series_are_refused_without_naming_them(tmp_path, phantom, write_series):
    def swap(dataset, k):
        if k == 3:
            dataset.PatientID = "OTHER-1"

    with pytest.raises(ReadError, match="more than one patient") as caught:
        read_image(write_series(tmp_path / "ct", phantom, swap))
    assert "OTHER" not in str(caught.value)


def test_pictures_without_a_place_stay_single(tmp_path, phantom, write_series):
    def forget(dataset, k):
        del dataset.ImagePositionPatient

    write_series(tmp_path / "ct", phantom, forget)
    refs = discover(tmp_path).found
    assert len(refs) == 12
    assert all(ref.path.is_file() and not ref.member for ref in refs)


def test_member_that_is_not_there_names_those_that_are(tmp_path, phantom, write_series):
    folder = write_series(tmp_path / "ct", phantom)
    with pytest.raises(ReadError, match=r"no readable series '1\.2\.3'.*1\.2\.826"):
        read_image(folder, "1.2.3")


def test_slices_follow_axis_k_in_the_source(tmp_path, phantom, write_series):
    image = read_image(write_series(tmp_path / "ct", phantom))
    assert [uid.rpartition(".")[2] for uid in image.source.sop_instance_uids] == [str(k + 1) for k in range(12)]


def test_real_study_without_suffixes_gives_its_series(shared_data):
    report = read([shared_data / "dicom_zoo" / "series" / "ct_philips_phantom_S21570"])
    shapes = sorted(image.geometry.shape for image in report.images)
    assert shapes == [(1, 256, 512), (1, 512, 650), (1, 512, 650), (1, 741, 650), (12, 512, 512)]
    assert "same place" in report.refusals[0].reason


def test_real_brain_study_gives_three_series(shared_data):
    report = read([shared_data / "dicom_zoo" / "series" / "mr_multiseries_study3"])
    assert sorted(image.geometry.shape for image in report.images) == [(22, 320, 280), (22, 320, 280), (40, 50, 34)]
    assert report.refusals == ()
    assert len({image.source.patient_key for image in report.images if "Hippo" not in image.name}) == 1


def test_series_that_names_two_studies_and_modalities_tells_so(tmp_path, phantom, write_series):
    def mixed(dataset, k):
        dataset.Modality = "MR" if k == 3 else "CT"
        dataset.StudyInstanceUID += ".7" if k == 3 else ""

    told = read_image(write_series(tmp_path / "ct", phantom, mixed)).warnings
    assert "Its files name 2 modalities." in told
    assert "Its files name 2 studies." in told
