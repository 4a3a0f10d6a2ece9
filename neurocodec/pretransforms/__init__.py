"""Pretransforms: what happens to a picture before a stock encoder sees it."""

from neurocodec.pretransforms.pretransform import (
    PRETRANSFORMS,
    Pretransform,
    create,
    unfiltered,
)

__all__ = ["PRETRANSFORMS", "Pretransform", "create", "unfiltered"]
