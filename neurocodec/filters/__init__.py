"""Filters: what happens to a picture before a stock encoder sees it."""

from neurocodec.filters.filter import (
    FILTERS,
    Filter,
    batches,
    create,
    filter_batch,
    fingerprint,
    unfiltered,
    with_weights,
)

__all__ = [
    "FILTERS",
    "Filter",
    "batches",
    "create",
    "filter_batch",
    "fingerprint",
    "unfiltered",
    "with_weights",
]
