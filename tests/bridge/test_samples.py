import pytest

from napari_medclf.bridge import samples


@pytest.mark.parametrize(
    "name", ["retina", "immunohistochemistry", "ct_slice", "mr_slice", "chest", "hippocampus", "oblique_ct"]
)
def test_sample_is_an_image_layer(name) -> None:
    ((data, keywords, kind),) = getattr(samples, name)()
    assert kind == "image"
    assert data.size > 0
    assert keywords["rgb"] is (name in {"retina", "immunohistochemistry"})


def test_brain_comes_with_its_true_labels() -> None:
    image, labels = samples.brain()
    assert (image[2], labels[2]) == ("image", "labels")
    assert image[0].shape == labels[0].shape
