"""Pretransforms: what happens to a picture before a stock encoder sees it."""

from neurocodec.pretransforms.pretransform import PRETRANSFORMS, Pretransform, create

__all__ = ["PRETRANSFORMS", "Pretransform", "create"]
