"""The TV pre-transform, trained for recognisers and few changes from pixel to pixel."""

from neurocodec.filters.network import NetworkFilter


class Tv(NetworkFilter):
    """x' = tv(x) (networks/tv.py), the same at every QP."""

    kind = "tv"
