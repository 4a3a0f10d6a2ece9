"""BPG: HEVC stills in libbpg's container."""

from neurocodec.codecs.bpg.codec import Bpg
from neurocodec.codecs.bpg.files import encode_planes

__all__ = ["Bpg", "encode_planes"]
