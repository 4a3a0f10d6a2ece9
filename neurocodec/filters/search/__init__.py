"""The filter found for each picture: Algorithm 1's loss, minimised for the one picture at hand."""

from neurocodec.filters.search.search import Search

__all__ = ["Search"]
