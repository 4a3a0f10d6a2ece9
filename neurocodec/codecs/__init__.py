"""Codecs: standard encoders behind one protocol. A new one is a file here and a line in CODECS."""

from neurocodec.codecs.codec import CODECS, HEAD_BYTES, LEARNED, Codec, create, is_coded, recognise

__all__ = ["CODECS", "HEAD_BYTES", "LEARNED", "Codec", "create", "is_coded", "recognise"]
