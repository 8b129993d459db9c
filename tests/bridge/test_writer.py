import numpy as np
import pytest

from napari_medclf.bridge.layers import image_layer, labels_layer
from napari_medclf.bridge.writer import write_image, write_labels
from napari_medclf.domain.errors import MedclfError, WriteError
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.testing.phantoms import brain_phantom, oblique_phantom, vessels_phantom


def test_painted_labels_reach_the_file_on_the_images_grid(tmp_path) -> None:
    phantom = brain_phantom()
    data, keywords, _ = labels_layer(phantom.truth)
    path = tmp_path / "labels.nii.gz"
    assert write_labels(str(path), data, keywords) == [str(path)]
    found = read_label_map(path)
    assert np.array_equal(found.labels, phantom.truth.labels)
    assert found.geometry.same_grid(phantom.image.geometry)


def test_oblique_volume_is_written_as_it_was_read(tmp_path) -> None:
    image = oblique_phantom()
    data, keywords, _ = image_layer(image)
    write_image(str(tmp_path / "ct.nii.gz"), data, keywords)
    found = read_image(tmp_path / "ct.nii.gz")
    assert np.array_equal(found.data, image.data)
    assert found.geometry.same_grid(image.geometry)


def test_picture_labels_are_written_as_png(tmp_path) -> None:
    truth = vessels_phantom().truth
    data, keywords, _ = labels_layer(truth)
    write_labels(str(tmp_path / "vessels.png"), data, keywords)
    assert np.array_equal(read_label_map(tmp_path / "vessels.png").labels, truth.labels)


def test_layer_of_another_plugin_keeps_its_spacing_and_side(tmp_path) -> None:
    labels = np.zeros((4, 5, 6), int)
    labels[1, 2, 3] = 7  # axis 0 towards Inferior, 1 Posterior, 2 Left, as napari shows it
    attributes = {"scale": (2.0, 1.0, 0.5), "translate": (10.0, 0.0, -3.0), "units": ("millimeter",) * 3, "name": "x"}
    write_labels(str(tmp_path / "foreign.nii"), labels, attributes)
    found = read_label_map(tmp_path / "foreign.nii")
    place = np.argwhere(found.labels == 7)[0]
    assert found.geometry.to_world(place) == pytest.approx((-3.0 + 3 * 0.5, 2.0, -(10.0 + 2.0)))


def test_unknown_suffix_is_refused_and_leaves_nothing(tmp_path) -> None:
    data, keywords, _ = labels_layer(brain_phantom().truth)
    with pytest.raises(MedclfError):
        write_labels(str(tmp_path / "labels.docx"), data, keywords)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("image", [oblique_phantom(), vessels_phantom().image], ids=["volume", "colour"])
def test_samples_that_were_changed_in_the_viewer_are_the_ones_that_are_saved(tmp_path, image) -> None:
    data, keywords, _ = image_layer(image)
    changed = np.flip(data, 0) // 2
    write_image(str(tmp_path / "changed.nii.gz"), changed, keywords)
    found = image_layer(read_image(tmp_path / "changed.nii.gz"))[0]
    assert np.array_equal(found, changed)


def test_layer_that_was_cut_is_refused(tmp_path) -> None:
    data, keywords, _ = image_layer(oblique_phantom())
    with pytest.raises(WriteError, match="no longer tells where"):
        write_image(str(tmp_path / "cut.nii.gz"), np.array(data[1:]), keywords)
    assert list(tmp_path.iterdir()) == []
