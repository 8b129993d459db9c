import numpy as np
import pytest
from pydicom.dataset import Dataset

from napari_medclf.io.dicom.pixels.suv import suv_factor

HALF_LIFE_S = 6586.2  # fluorine 18


def pet(**changes) -> Dataset:
    """70 kg, 370 MBq at 10:00, scanned at 11:00 the same day; what a change sets to None is left out."""
    dataset = Dataset()
    dataset.Modality, dataset.Units, dataset.DecayCorrection = "PT", "BQML", "START"
    dataset.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY"]
    dataset.SeriesDate = dataset.AcquisitionDate = "20260301"
    dataset.SeriesTime, dataset.AcquisitionTime = "110000", "110500.5"
    dataset.PatientWeight = "70"
    drug = Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = "370000000", str(HALF_LIFE_S)
    drug.RadiopharmaceuticalStartTime = "100000.00"
    dataset.RadiopharmaceuticalInformationSequence = [drug]
    for keyword, value in changes.items():
        owner = drug if keyword.startswith("Radio") and keyword != "RadiopharmaceuticalInformationSequence" else dataset
        if value is None:
            delattr(owner, keyword)
        else:
            setattr(owner, keyword, value)
    return dataset


def by_hand(hours):
    return 70_000 / (370e6 * 0.5 ** (hours * 3600 / HALF_LIFE_S))


def test_activity_is_divided_by_what_was_left_of_the_dose():
    found = suv_factor(pet())
    assert found.factor == pytest.approx(by_hand(1), rel=1e-9)
    assert found.factor == pytest.approx(2.7635e-4, rel=1e-3)
    assert found.reason == ""


def test_injection_before_midnight_is_of_the_day_before():
    dataset = pet(SeriesTime="003000", AcquisitionTime="003100", RadiopharmaceuticalStartTime="233000")
    assert suv_factor(dataset).factor == pytest.approx(by_hand(1), rel=1e-9)


def test_full_date_of_the_injection_wins():
    dataset = pet(RadiopharmaceuticalStartDateTime="20260301090000.000000+0100")
    assert suv_factor(dataset).factor == pytest.approx(by_hand(2), rel=1e-9)


def test_correction_to_the_administration_leaves_the_dose_whole():
    assert suv_factor(pet(DecayCorrection="ADMIN")).factor == pytest.approx(by_hand(0), rel=1e-12)


def test_series_made_later_takes_the_time_of_the_scan():
    duration_s = 180
    decay = np.log(2) / HALF_LIFE_S
    middle_s = np.log(decay * duration_s / (1 - np.exp(-decay * duration_s))) / decay
    late = pet(SeriesTime="150000", ActualFrameDuration=str(duration_s * 1000), AcquisitionTime="110500")
    late.FrameReferenceTime = str(round((300 + middle_s) * 1000, 3))
    assert suv_factor(late).factor == pytest.approx(by_hand(1), rel=1e-7)
    assert "made after the scan" in suv_factor(pet(SeriesTime="150000")).reason


def test_scanners_own_factor_for_counts():
    counts = pet(Units="CNTS")
    assert "(7053,1000)" in suv_factor(counts).reason
    block = counts.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x09, "DS", "2.5")
    assert suv_factor(counts).factor == pytest.approx(2.5 * by_hand(1), rel=1e-9)
    block.add_new(0x00, "DS", "0.000321")
    assert suv_factor(counts).factor == 0.000321


def test_uptake_values_stay_as_they_are():
    assert suv_factor(pet(Units="GML")).factor == 1
    lean = suv_factor(pet(Units="GML", SUVType="LBM"))
    assert lean.factor == 1
    assert "lean body mass" in lean.reason


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PatientWeight": None}, "PatientWeight is missing"),
        ({"PatientWeight": "0"}, "PatientWeight is missing"),
        ({"PatientWeight": "70000"}, "70000 kg"),
        ({"RadionuclideTotalDose": None}, "RadionuclideTotalDose is missing"),
        ({"RadionuclideTotalDose": "370"}, "MBq"),
        ({"RadionuclideHalfLife": None}, "RadionuclideHalfLife is missing"),
        ({"RadiopharmaceuticalStartTime": None}, "RadiopharmaceuticalStartTime is missing"),
        ({"RadionuclideHalfLife": "282240"}, "day of the injection"),
        ({"RadiopharmaceuticalInformationSequence": None}, "RadiopharmaceuticalInformationSequence is missing"),
        ({"DecayCorrection": "NONE"}, "neither START nor ADMIN"),
        ({"CorrectedImage": ["ATTN"]}, "decay"),
        ({"Units": "PROPCPS"}, "units"),
        ({"SeriesTime": None, "AcquisitionTime": None}, "SeriesTime and AcquisitionTime"),
        ({"RadiopharmaceuticalStartDateTime": "20260301120000"}, "-1.0 h before"),
    ],
)
def test_what_is_missing_is_named(changes, named):
    found = suv_factor(pet(**changes))
    assert found.factor is None
    assert named in found.reason
    assert found.reason.startswith("Its samples are activity as stored, not SUV")


def test_other_modalities_have_none():
    assert suv_factor(pet(Modality="CT")).factor is None
    assert suv_factor(pet(Modality="CT")).reason == ""
