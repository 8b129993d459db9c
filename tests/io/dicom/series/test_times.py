import numpy as np
import pytest

from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.dicom.read import read_stack, scan_files


def write_times(folder, phantom, write_series, edit, n_times=3):
    """Write the phantom several times, each 100 brighter, named so that no order can be guessed from names."""
    for time in range(n_times):

        def change(dataset, k, time=time):
            dataset.SOPInstanceUID += f".{time}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            samples = np.frombuffer(dataset.PixelData, "<u2") + 100 * time
            dataset.PixelData = samples.astype("<u2").tobytes()
            return edit(dataset, k, time)

        for file in write_series(folder / "new", phantom, change).iterdir():
            file.rename(folder / f"{(time * 5) % n_times}{file.name}")
    (folder / "new").rmdir()
    return sorted(folder.iterdir())


def trigger_times(dataset, k, time):
    dataset.TriggerTime = f"{40 * time + 0.7 * k:.3f}"


def test_phases_whose_trigger_times_differ_a_little_are_one_image(tmp_path, phantom, write_series):
    (stack,) = scan_files(write_times(tmp_path, phantom, write_series, trigger_times)).stacks
    image = read_stack(stack)
    assert image.channel_kind is ChannelKind.TIME
    assert image.geometry.same_grid(phantom.geometry, tolerance=1e-4)
    for time in range(3):
        assert np.array_equal(image.data[time], phantom.data + 100 * time)
    assert image.channel_unit == "ms"
    assert np.diff(image.channel_values) == pytest.approx([40, 40])
    assert any("trigger time differs by up to 7.7 ms between slices" in text for text in image.warnings)
    assert len(image.source.sop_instance_uids) == 12


def test_time_positions_take_their_values_from_the_clock(tmp_path, phantom, write_series):
    def edit(dataset, k, time):
        dataset.TemporalPositionIdentifier = time + 1
        dataset.AcquisitionDate, dataset.AcquisitionTime = "20260101", f"10{5 * time:02d}00.25"

    (stack,) = scan_files(write_times(tmp_path, phantom, write_series, edit)).stacks
    assert stack.times.values == (0, 300, 600)
    assert stack.times.unit == "s"


def test_missing_time_is_refused_with_its_slice(tmp_path, phantom, write_series):
    def edit(dataset, k, time):
        dataset.TemporalPositionIdentifier = time + 1
        return not (k == 4 and time == 1)

    scan = scan_files(write_times(tmp_path, phantom, write_series, edit))
    assert scan.stacks == ()
    assert "slice 5 of 12 is there at 2 times, the others at 3" in scan.refusals[0].reason


def test_times_lost_at_different_ends_are_not_taken_for_each_other(tmp_path, phantom, write_series):
    def edit(dataset, k, time):
        dataset.TriggerTime = 40 * time
        return time != (0 if k == 3 else 3)

    scan = scan_files(write_times(tmp_path, phantom, write_series, edit, n_times=4))
    assert scan.stacks == ()
    assert "first times differ by 40, and times are 40 apart" in scan.refusals[0].reason


def test_time_lost_in_the_middle_of_one_slice_is_noticed(tmp_path, phantom, write_series):
    def edit(dataset, k, time):
        dataset.TriggerTime = 40 * time + 0.5 * k
        return time != (1 if k == 3 else 3)

    scan = scan_files(write_times(tmp_path, phantom, write_series, edit, n_times=4))
    assert scan.stacks == ()
    assert "time 2 of slice 4 is off by 40" in scan.refusals[0].reason


def test_echoes_of_several_times_become_one_image_an_echo(tmp_path, phantom, write_series):
    def edit(dataset, k, time):
        dataset.EchoTime, dataset.TriggerTime = (20, 40)[time % 2], 100 * (time // 2)

    stacks = scan_files(write_times(tmp_path, phantom, write_series, edit, n_times=6)).stacks
    assert sorted((stack.label, stack.n_times) for stack in stacks) == [("echo time 20.0", 3), ("echo time 40.0", 3)]
    for stack in stacks:
        offset = 0 if stack.label.endswith("20.0") else 100
        assert np.array_equal(read_stack(stack).data[1], phantom.data + offset + 200)


def test_volume_that_moved_between_times_is_refused_with_millimetres(tmp_path, phantom, write_series):
    def edit(dataset, k, time):
        dataset.TriggerTime = 40 * time
        if time == 2:
            x, y, z = (float(one) for one in dataset.ImagePositionPatient)
            row = np.array(dataset.ImageOrientationPatient[:3], dtype=float)
            dataset.ImagePositionPatient = [f"{one:.8g}" for one in np.array([x, y, z]) + 0.5 * row]

    scan = scan_files(write_times(tmp_path, phantom, write_series, edit))
    assert scan.stacks == ()
    assert "of time 3 lies 0.5 mm off that of time 1" in scan.refusals[0].reason


def test_frame_times_come_from_a_vector_or_a_rate():
    from pydicom.dataset import Dataset

    from napari_medclf.io.dicom.series.traits import film_times_ms

    dataset = Dataset()
    assert film_times_ms(dataset, 3) == ()
    dataset.CineRate = 25
    assert film_times_ms(dataset, 3) == (0, 40, 80)
    dataset.FrameTime = 50
    assert film_times_ms(dataset, 3) == (0, 50, 100)
    dataset.FrameTimeVector = [0, 30, 45]
    assert film_times_ms(dataset, 3) == (0, 30, 75)


def test_real_enhanced_volumes_of_a_series_are_times(shared_data):
    folder = shared_data / "dicom_zoo" / "series" / "mr_enhanced_siemens_xa10"
    (stack,) = scan_files(sorted(folder.iterdir())).stacks
    image = read_stack(stack)
    assert image.data.shape == (4, 6, 64, 64)
    assert image.channel_unit == "s"
    assert np.diff(image.channel_values) == pytest.approx([0.5, 0.5, 0.5], abs=0.05)


def test_real_colour_cine_has_frames_in_time(shared_data):
    (stack,) = scan_files([shared_data / "dicom_zoo" / "colour_and_us" / "godicom_I_000009.dcm"]).stacks
    image = read_stack(stack)
    assert image.channel_kind is ChannelKind.COLOUR_TIME
    assert image.data.shape == (10, 3, 1, 288, 384)
    assert image.n_channels == 10
    assert image.channel_values[:2] == (0, 40)
