"""How nnU-Net scales each channel."""

from __future__ import annotations

from collections.abc import Mapping

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import Intensity

_SMALLEST_STD = 1e-8


def read_intensity(scheme: str, is_masked: bool, fingerprint: Mapping[str, float]) -> Intensity:
    """Translate a normalisation of nnU-Net.

    Parameters
    ----------
    scheme : str
        Class name, such as ``CTNormalization``.
    is_masked : bool
        Whether only where the image is not zero (nnU-Net's ``use_mask_for_norm``).
    fingerprint : dict
        Of the training images' foreground in this channel.

    Raises
    ------
    CardError
        If it is not one of nnU-Net's own, or numbers are missing.
    """
    if scheme == "CTNormalization":
        return _read_ct(fingerprint)
    known = {
        "ZScoreNormalization": Intensity(kind="zscore", of="filled" if is_masked else "all"),
        "NoNormalization": Intensity(kind="none"),
        "RescaleTo01Normalization": Intensity(kind="minmax"),
        "RGBTo01Normalization": Intensity(kind="window", low=0, high=255, is_clipped=False),
    }
    if scheme not in known:
        raise CardError(f"its normalisation {scheme!r} is not known; known are CTNormalization, {', '.join(known)}.")
    return known[scheme]


def _read_ct(fingerprint: Mapping[str, float]) -> Intensity:
    try:
        low, high = float(fingerprint["percentile_00_5"]), float(fingerprint["percentile_99_5"])
        mean, std = float(fingerprint["mean"]), float(fingerprint["std"])
    except (KeyError, TypeError, ValueError) as error:
        raise CardError("its plans lack the mean, std and percentiles that CTNormalization needs.") from error
    return Intensity(kind="clip", low=low, high=high, mean=(mean,), std=(max(std, _SMALLEST_STD),))
