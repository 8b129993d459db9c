from types import SimpleNamespace

from napari_medclf.ui.reader_preference import is_preferred, prefer


def test_medical_suffixes_are_ours_and_other_choices_stay() -> None:
    settings = SimpleNamespace(plugins=SimpleNamespace(extension2reader={"*.png": "napari"}))
    assert not is_preferred(settings)
    prefer(settings)
    assert is_preferred(settings)
    chosen = settings.plugins.extension2reader
    assert (chosen["*.png"], chosen["*.dcm"], chosen["*.nii.gz"]) == ("napari", "napari-medclf", "napari-medclf")
