"""Pretransforms: what happens to a picture before a stock encoder sees it."""

from neurocodec.pretransforms.pretransform import (
    PRETRANSFORMS,
    Pretransform,
    batches,
    create,
    filter_batch,
    fingerprint,
    unfiltered,
    with_weights,
)

__all__ = [
    "PRETRANSFORMS",
    "Pretransform",
    "batches",
    "create",
    "filter_batch",
    "fingerprint",
    "unfiltered",
    "with_weights",
]
