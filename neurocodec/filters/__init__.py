"""Filters: what happens to a picture before a stock encoder sees it."""

from neurocodec.filters.filter import FILTERS, Filter, create, with_weights

__all__ = ["FILTERS", "Filter", "create", "with_weights"]
