import subprocess
import sys
from importlib.resources import files

import pytest
from npe2 import PluginManager, PluginManifest

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.reader import get_reader, read_layers
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.write import write_image
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL, oblique_phantom, vessels_phantom


@pytest.fixture
def study(tmp_path):
    write_image(oblique_phantom(), tmp_path / "ct.nii.gz")
    write_image(vessels_phantom().image, tmp_path / "fundus.png")
    return tmp_path


def test_one_series_is_one_layer(study) -> None:
    layers = get_reader(str(study))(str(study))
    assert sorted(layer[1]["name"] for layer in layers) == ["ct", "fundus"]
    assert {layer[2] for layer in layers} == {"image"}


def test_marked_voxel_is_where_it_was_through_file_and_layer(study) -> None:
    (data, keywords, _), *_ = read_layers(str(study / "ct.nii.gz"))
    info = layer_info(keywords["metadata"])
    assert info.frame.from_display(data)[MARKED_VOXEL] == pytest.approx(MARKED_HU)
    assert info.geometry.same_grid(oblique_phantom().geometry, tolerance=1e-3)


def test_other_files_are_left_to_others_without_raising(tmp_path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("nothing", encoding="utf-8")
    assert get_reader(str(text)) is None
    assert get_reader(str(tmp_path / "missing.xyz")) is None
    assert get_reader([]) is None


def test_unreadable_file_is_one_sentence_with_its_name(tmp_path) -> None:
    broken = tmp_path / "broken.nii"
    broken.write_bytes(b"")
    with pytest.raises(ReadError, match=r"broken\.nii"):
        read_layers(str(broken))


def test_what_is_left_out_beside_readable_images_is_told(study) -> None:
    (study / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.warns(UserWarning, match=r"broken\.png was left out"):
        layers = read_layers(str(study))
    assert len(layers) == 2


def test_reader_hook_loads_nothing_heavy(study) -> None:
    code = (
        "import sys\nfrom napari_medclf.bridge.reader import get_reader\n"
        f"assert get_reader({str(study)!r}) is not None\n"
        "print(sorted({'torch', 'monai', 'sklearn', 'highdicom', 'nibabel', 'pydicom', 'napari'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["DICOMDIR", "IM000001", "I1", "1.2.840.113619.2.5.17", "2.25.3141", "ct.dcm"])
def test_napari_asks_us_for_dicom_files_under_the_names_that_discs_give_them(name) -> None:
    manager = PluginManager()
    manager.register(PluginManifest.from_file(files("napari_medclf") / "napari.yaml"))
    assert [reader.command for reader in manager.iter_compatible_readers([name])] == ["napari-medclf.read"]
    assert not list(manager.iter_compatible_readers(["notes.txt"]))
