"""Take one stain out of a picture of tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.image import ChannelKind, MedImage

_SMOOTH_PX = 1.2


def blue_stain(image: MedImage) -> MedImage:
    """Show what the haematoxylin alone would look like, which colours nuclei blue; slightly smoothed.

    Parameters
    ----------
    image : MedImage
        A colour picture, 8 bits a channel, of tissue in haematoxylin with DAB or eosin.

    Raises
    ------
    GridError
        If it is no such picture.

    Notes
    -----
    Colour deconvolution (Ruifrok 2001): a brown stain (DAB) on membranes is dark as nuclei are, and a
    model that looks for dark things takes it for them. What is left of it makes nuclei look torn, so the
    result is smoothed by a Gaussian of 1.2 pixels.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import hed2rgb, rgb2hed

    if image.channel_kind is not ChannelKind.COLOUR or image.data.dtype != np.uint8:
        raise GridError(f"{image.name}: stains are told apart in colour pictures of 8 bits a channel only.")
    stains = rgb2hed(np.moveaxis(image.data, 0, -1))
    stains[..., 1:] = 0
    smooth = gaussian_filter(hed2rgb(stains), (0, _SMOOTH_PX, _SMOOTH_PX, 0))
    blue = np.clip(smooth * 255, 0, 255).astype(np.uint8)
    source = replace(image.source, digest="")
    return replace(image, data=np.ascontiguousarray(np.moveaxis(blue, -1, 0)), source=source)
