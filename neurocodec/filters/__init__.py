"""Filters: what happens to a picture before a stock encoder sees it."""

from neurocodec.filters.filter import (
    FILTERS,
    Account,
    Filter,
    check,
    create,
    may_resize,
    with_recognisers,
    with_weights,
)

__all__ = [
    "FILTERS",
    "Account",
    "Filter",
    "check",
    "create",
    "may_resize",
    "with_recognisers",
    "with_weights",
]
