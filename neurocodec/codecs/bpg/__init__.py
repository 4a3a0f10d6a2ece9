"""BPG: HEVC stills in libbpg's container."""

from neurocodec.codecs.bpg.codec import Bpg

__all__ = ["Bpg"]
