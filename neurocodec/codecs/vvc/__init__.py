"""VVC stills: the stream, the programs, and the codec made of them."""

from neurocodec.codecs.vvc.codec import Vvc

__all__ = ["Vvc"]
