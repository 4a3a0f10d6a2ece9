"""Codecs: standard encoders behind one class. A new one is a file here and a line in CODECS."""

from neurocodec.codecs.codec import (
    CODECS,
    HEAD_BYTES,
    LEARNED,
    Codec,
    Logits,
    create,
    has_coded_name,
    is_coded,
    is_coded_head,
    load,
    recognise,
)
from neurocodec.codecs.level import Level

__all__ = [
    "CODECS",
    "HEAD_BYTES",
    "LEARNED",
    "Codec",
    "Level",
    "Logits",
    "create",
    "has_coded_name",
    "is_coded",
    "is_coded_head",
    "load",
    "recognise",
]
