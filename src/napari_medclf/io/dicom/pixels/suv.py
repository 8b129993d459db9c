"""Standardised uptake values of PET: what stored activity is multiplied by, or why it is not."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from napari_medclf.io.dicom import tags

_PHILIPS_SUV, _PHILIPS_BQML = (0x7053, 0x1000), (0x7053, 0x1009)
_GE_SCAN_DATETIME = (0x0009, 0x100D)
_KINDS = {"LBM": "lean body mass", "LBMJAMES128": "lean body mass", "LBMJANMA": "lean body mass", "BSA": "body surface"}
# Above it the injection may be days back, which a time of day does not tell (fluorine: 1.8 h, zirconium: 78 h).
_LONGEST_WITHOUT_DATE_S = 10 * 3600
_MOST_HALF_LIVES = 20
_LEAST_DOSE_BQ = 1e5
_WEIGHTS_KG = (0.3, 700.0)


@dataclass(frozen=True)
class SuvFactor:
    """What rescaled samples are multiplied by to become SUV by body weight, in g/mL.

    Parameters
    ----------
    factor : float or None
        None where it cannot be known, or where the image is no PET.
    reason : str
        A sentence: why there is none, or what else to know; may be empty.
    """

    factor: float | None
    reason: str = ""


class _Unknown(Exception):
    """A value that is missing or cannot be; its text ends the sentence."""


def suv_factor(dataset: Any) -> SuvFactor:
    """Find the factor, as the vendor-neutral pseudo-code of QIBA's SUV profile (2016) has it.

    Parameters
    ----------
    dataset : pydicom data set
        Of a PET image. Reads Units, DecayCorrection, CorrectedImage, dose, half-life, weight and times.
    """
    units = tags.text(dataset, "Units").upper()
    if tags.text(dataset, "Modality") != "PT" or not units:
        return SuvFactor(None)
    if units == "GML":
        kind = _KINDS.get(tags.text(dataset, "SUVType").upper())
        return SuvFactor(1.0, f"Its uptake values are by {kind}, not by body weight." if kind else "")
    try:
        return SuvFactor(_factor(dataset, units))
    except _Unknown as unknown:
        return SuvFactor(None, f"Its samples are activity as stored, not SUV: {unknown}.")


def _factor(dataset: Any, units: str) -> float:
    if units == "BQML":
        return _by_weight(dataset)
    if units != "CNTS":
        raise _Unknown("its units are neither Bq/mL, g/mL nor counts")
    direct = _private(dataset, _PHILIPS_SUV)
    if direct:
        return direct
    to_activity = _private(dataset, _PHILIPS_BQML)
    if not to_activity:
        raise _Unknown("it counts, and the scanner's own factor (7053,1000) or (7053,1009) is missing")
    return to_activity * _by_weight(dataset)


def _by_weight(dataset: Any) -> float:
    """Grams a becquerel: body weight over what was left of the dose at the time the image is corrected to."""
    corrected = dataset.get("CorrectedImage") or ()
    done = {corrected} if isinstance(corrected, str) else {str(one) for one in corrected}
    if not {"ATTN", "DECY"} <= done:
        raise _Unknown("it does not tell that it was corrected for attenuation and decay (CorrectedImage)")
    weight_kg = _positive(dataset, "PatientWeight")
    if not _WEIGHTS_KG[0] <= weight_kg <= _WEIGHTS_KG[1]:
        raise _Unknown(f"a PatientWeight of {weight_kg:g} kg cannot be")
    drug = _first_drug(dataset)
    dose_bq = _positive(drug, "RadionuclideTotalDose")
    if dose_bq < _LEAST_DOSE_BQ:
        raise _Unknown(f"a RadionuclideTotalDose of {dose_bq:g} Bq cannot be (is it MBq?)")
    return weight_kg * 1000 / (dose_bq * _left(dataset, drug))


def _left(dataset: Any, drug: Any) -> float:
    """Share of the dose that had not decayed yet."""
    correction = tags.text(dataset, "DecayCorrection").upper()
    if correction == "ADMIN":
        return 1.0
    if correction != "START":
        raise _Unknown("its DecayCorrection is neither START nor ADMIN")
    half_life_s = _positive(drug, "RadionuclideHalfLife")
    scan = _scan_start(dataset, half_life_s)
    elapsed_s = (scan - _injection(drug, scan, half_life_s)).total_seconds()
    if not 0 <= elapsed_s <= _MOST_HALF_LIVES * half_life_s:
        raise _Unknown(f"by its times it was injected {elapsed_s / 3600:.1f} h before the scan")
    return float(2.0 ** (-elapsed_s / half_life_s))


def _scan_start(dataset: Any, half_life_s: float) -> datetime:
    """When the scan began: the series' time, unless the series was made later out of the scan."""
    series = _moment(tags.text(dataset, "SeriesDate"), tags.text(dataset, "SeriesTime"))
    acquired = _moment(tags.text(dataset, "AcquisitionDate"), tags.text(dataset, "AcquisitionTime"))
    if series is None and acquired is None:
        raise _Unknown("SeriesTime and AcquisitionTime are missing")
    if series is not None and (acquired is None or series <= acquired):
        return series
    ge = _stamp(_text_of(dataset.get(_GE_SCAN_DATETIME)))
    if ge is not None:
        return ge
    reference_ms = tags.number(dataset, "FrameReferenceTime", math.nan)
    duration_ms = tags.number(dataset, "ActualFrameDuration", math.nan)
    if acquired is None or not (math.isfinite(reference_ms) and duration_ms > 0):
        raise _Unknown("its series was made after the scan, and FrameReferenceTime or ActualFrameDuration is missing")
    decay = math.log(2) / half_life_s
    product = decay * duration_ms / 1000
    middle_s = math.log(product / -math.expm1(-product)) / decay  # when the mean activity of the frame was reached
    return acquired + timedelta(seconds=middle_s - reference_ms / 1000)


def _injection(drug: Any, scan: datetime, half_life_s: float) -> datetime:
    full = _stamp(tags.text(drug, "RadiopharmaceuticalStartDateTime"))
    if full is not None:
        return full
    start = _moment(scan.strftime("%Y%m%d"), tags.text(drug, "RadiopharmaceuticalStartTime"))
    if start is None:
        raise _Unknown("RadiopharmaceuticalStartTime is missing")
    if half_life_s > _LONGEST_WITHOUT_DATE_S:
        raise _Unknown("the day of the injection (RadiopharmaceuticalStartDateTime) is missing")
    return start if start <= scan else start - timedelta(days=1)


def _first_drug(dataset: Any) -> Any:
    drugs = dataset.get("RadiopharmaceuticalInformationSequence")
    if not drugs:
        raise _Unknown("RadiopharmaceuticalInformationSequence is missing")
    if len(drugs) > 1:
        raise _Unknown(f"{len(drugs)} radiopharmaceuticals were given")
    return drugs[0]


def _positive(dataset: Any, keyword: str) -> float:
    found = tags.number(dataset, keyword, 0.0)
    if not found > 0:
        raise _Unknown(f"{keyword} is missing")
    return found


def _private(dataset: Any, tag: tuple[int, int]) -> float:
    text = _text_of(dataset.get(tag))
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) and found > 0 else 0.0


def _text_of(element: Any) -> str:
    value = getattr(element, "value", element)
    value = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    return "" if value is None else str(value).strip().strip("\0")


def _moment(date: str, time: str) -> datetime | None:
    """Read a DA and a TM; None where either is missing or none."""
    return _stamp(date.replace(".", "") + time.replace(":", "")) if date and time else None


def _stamp(text: str) -> datetime | None:
    """Read a DT down to the second at least, without its time zone, which both ends of a scan share."""
    found = re.fullmatch(r"(\d{8})(\d{2})(\d{2})?(\d{2})?(?:\.(\d{1,6}))?(?:[+-]\d{4})?", text)
    if found is None:
        return None
    date, hour, minute, second, fraction = found.groups()
    try:
        start = datetime.strptime(f"{date}{hour}{minute or '00'}{second or '00'}", "%Y%m%d%H%M%S")
    except ValueError:
        return None
    return start + timedelta(microseconds=int((fraction or "0").ljust(6, "0")))
