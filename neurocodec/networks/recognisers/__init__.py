"""Recognisers: other people's frozen networks that read pictures, and the doors they come in by."""

from neurocodec.networks.recognisers.loading import load
from neurocodec.networks.recognisers.recogniser import Recogniser

__all__ = ["Recogniser", "load"]
