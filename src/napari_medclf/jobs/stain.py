"""Take one stain out of a picture of tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.image import ChannelKind, MedImage


def blue_stain(image: MedImage) -> MedImage:
    """Show what the haematoxylin alone would look like, which colours nuclei blue.

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
    model that looks for dark things takes it for them.
    """
    from skimage.color import hed2rgb, rgb2hed

    if image.channel_kind is not ChannelKind.COLOUR or image.data.dtype != np.uint8:
        raise GridError(f"{image.name}: stains are told apart in colour pictures of 8 bits a channel only.")
    stains = rgb2hed(np.moveaxis(image.data, 0, -1))
    stains[..., 1:] = 0
    blue = np.clip(hed2rgb(stains) * 255, 0, 255).astype(np.uint8)
    source = replace(image.source, digest="")
    return replace(image, data=np.ascontiguousarray(np.moveaxis(blue, -1, 0)), source=source)
