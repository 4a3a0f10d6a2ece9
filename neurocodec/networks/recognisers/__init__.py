"""Recognisers: frozen networks of other projects that read images, and how they are loaded."""

from neurocodec.networks.recognisers.loading import load
from neurocodec.networks.recognisers.recogniser import Recogniser

__all__ = ["Recogniser", "load"]
