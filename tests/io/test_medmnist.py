import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.medmnist import list_members, read_medmnist, read_member, read_row


@pytest.fixture
def npz(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "mini.npz"
    np.savez_compressed(
        path,
        train_images=rng.integers(0, 255, (5, 8, 9), dtype=np.uint8),
        train_labels=np.arange(5).reshape(5, 1),
        test_images=rng.integers(0, 255, (2, 8, 9), dtype=np.uint8),
        test_labels=np.zeros((2, 1), np.int64),
    )
    return path


def test_members_are_named_split_by_split(npz):
    assert list_members(npz) == ("train/0", "train/1", "train/2", "train/3", "train/4", "test/0", "test/1")


def test_single_member_equals_the_row_of_the_whole_array(npz):
    arrays = read_medmnist(npz)
    assert dict(arrays.n) == {"train": 5, "test": 2}
    assert arrays.labels["train"][:, 0].tolist() == [0, 1, 2, 3, 4]
    image = read_member(npz, "train/3")
    assert np.array_equal(image.data[0], arrays.images["train"][3])
    assert image.name == "mini-train-3"
    assert np.array_equal(read_member(npz, "train").data, arrays.images["train"])


def test_colour_and_volumes_are_told_by_their_shape(tmp_path):
    np.savez(tmp_path / "rgb.npz", val_images=np.arange(2 * 8 * 9 * 3, dtype=np.uint8).reshape(2, 8, 9, 3))
    image = read_member(tmp_path / "rgb.npz", "val/1")
    assert image.channel_kind is ChannelKind.COLOUR
    assert image.data[2, 0, 0, 0] == (8 * 9 * 3 + 2) % 256
    np.savez(tmp_path / "volume.npz", val_images=np.zeros((2, 4, 8, 9), np.uint8))
    assert read_member(tmp_path / "volume.npz", "val/1").geometry.shape == (4, 8, 9)


@pytest.mark.parametrize("member", ["train/5", "val/0", "train/-1", "train/x", "nothing", "val"])
def test_member_that_is_not_there_is_refused(npz, member):
    with pytest.raises(ReadError, match=r"mini\.npz"):
        read_member(npz, member)


def test_objects_other_arrays_and_damage_are_refused(tmp_path, npz):
    np.savez(tmp_path / "objects.npz", train_images=np.array([{}], dtype=object))
    with pytest.raises(ReadError, match="Python objects"):
        list_members(tmp_path / "objects.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ReadError, match=r"arrays a.*MedMNIST"):
        read_medmnist(tmp_path / "other.npz")
    npz.write_bytes(npz.read_bytes()[:300])
    with pytest.raises(ReadError, match=r"mini\.npz: cannot be read as npz"):
        list_members(npz)


def test_real_files_have_the_published_sizes(shared_data):
    members = list_members(shared_data / "medmnist" / "pneumoniamnist.npz")
    assert len(members) == 4708 + 524 + 624
    row = read_row(shared_data / "medmnist" / "adrenalmnist3d.npz", "val_images", 97)
    assert row.shape == (28, 28, 28)
    assert set(np.unique(row)) == {0, 255}
