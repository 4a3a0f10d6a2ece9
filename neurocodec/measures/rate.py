"""The rate of a coded picture."""


def bpp(size_bytes: int, width: int, height: int) -> float:
    """Bits per pixel of the original picture: 8·size / (width·height).

    Args:
        size_bytes: length of the whole file, container and headers included.
        width: of the original picture, in pixels, also where the coded one is smaller.
        height: likewise.
    """
    return 8 * size_bytes / (width * height)
