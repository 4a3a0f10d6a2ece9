"""Filters: what happens to a picture before a stock encoder sees it."""

from neurocodec.filters.filter import FILTERS, Filter, check, create, with_weights

__all__ = ["FILTERS", "Filter", "check", "create", "with_weights"]
