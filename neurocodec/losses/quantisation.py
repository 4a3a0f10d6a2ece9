"""Quantiser steps of the codecs, for the proxy that needs no training."""

import torch
from torch import Tensor

from neurocodec.codecs import qp_tables
from neurocodec.codecs.jpeg_segments import standard_steps
from neurocodec.networks.dct import DctProxy

_QPS = 52
_SLICE_OFFSET = 3  # x265 codes an intra picture with a QP 3 lower than its --qp
_BLOCK = 16
# About the best of half and twice as much: weights/LOG.md, tests/benchmarks/proxy_gradient.py.
_HEVC_WIDENING, _JPEG_WIDENING = 1.5, 1.0


def dct_proxy(codec_name: str, chroma: str = "420") -> DctProxy:
    """The proxy of a codec, at every QP of BPG's scale.

    For JPEG with 8×8 blocks and the tables of the quality at that QP; all other codecs count as
    HEVC with its 16×16 transform.

    Args:
        codec_name: its key in CODECS.
        chroma: its subsampling; 4:2:2 counts as 4:2:0.
    """
    halved = not chroma.startswith("444")
    if codec_name == "jpeg":
        return DctProxy(jpeg_steps(), _JPEG_WIDENING, halved=halved)
    return DctProxy(hevc_steps(), _HEVC_WIDENING, halved=halved)


def jpeg_steps() -> Tensor:
    """Δ of luma and chroma at every QP of BPG's scale, (52, 2, 8, 8)."""
    qualities = [qp_tables.level_at_qp("jpeg", qp) for qp in range(_QPS)]
    tables = torch.tensor([standard_steps(quality) for quality in qualities])
    return tables.float().reshape(_QPS, 2, 8, 8)


def hevc_steps() -> Tensor:
    """Δ = 2^((Qp − 4) / 6), H.265 8.6.4.2, (52, 2, 16, 16)."""
    slices = [max(qp - _SLICE_OFFSET, 0) for qp in range(_QPS)]
    pairs = [(qp, _chroma_qp(qp)) for qp in slices]
    step = 2 ** ((torch.tensor(pairs) - 4) / 6)
    return step[..., None, None].expand(-1, -1, _BLOCK, _BLOCK)


def _chroma_qp(qp: int) -> int:
    """Qp of 4:2:0 chroma, H.265 table 8-10."""
    if qp < 30:
        return qp
    return (29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37)[qp - 30] if qp < 43 else qp - 6
