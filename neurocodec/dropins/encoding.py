"""A picture file to a .bpg as bpgenc codes it: samples as stored, neither turned nor converted."""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurocodec import files, images
from neurocodec.codecs import libav
from neurocodec.codecs.bpg import container, encode_planes
from neurocodec.codecs.bpg.container import Alpha, Container
from neurocodec.codecs.bpg.files import with_metadata
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.bpg.streams import Stream, colour_and_alpha
from neurocodec.codecs.planes import colour
from neurocodec.codecs.planes.layout import Layout, Plane
from neurocodec.codecs.streams.bits import escape
from neurocodec.codecs.streams.hevc import nal
from neurocodec.errors import BadInputError

if TYPE_CHECKING:
    from neurocodec.dropins.bpgenc import Job

_JPEG = b"\xff\xd8"
_CHROMAS = {"yuvj420p": "420", "yuvj422p": "422", "yuvj444p": "444"}
_HASH_PAYLOAD, _MD5, _END = 132, 0, 0x80  # H.265, annex D


@dataclass(frozen=True, eq=False)
class _Coded:
    """Planes for the encoder, the layout that they are in, and the plane beside them."""

    planes: list[Plane]
    layout: Layout
    alpha: Plane | None = None
    alpha_kind: Alpha = "straight"


def encode(path: str, job: "Job") -> None:
    """Write the .bpg of a picture file.

    Raises:
        BadInputError: the picture cannot be read.
        OutputError: the .bpg cannot be written.
    """
    data, name = files.read(path), files.display(path)
    stored = images.read_stored(data, name)
    is_jpeg = data.startswith(_JPEG)
    coded = _of_jpeg(stored, data, job) if is_jpeg else _of_samples(stored, job)
    alpha_qp = -1 if job.alpha_qp is None else job.alpha_qp
    settings = Settings(effort=job.effort, lossless=job.lossless, alpha_qp=alpha_qp)
    bpg = encode_planes(
        coded.planes,
        coded.layout,
        job.qp,
        settings,
        alpha=coded.alpha,
        alpha_kind=coded.alpha_kind,
    )
    if job.has_hash:
        bpg = container.mux(_with_hash(container.demux(bpg)))
    metadata = (
        stored.metadata if is_jpeg else {k: v for k, v in stored.metadata.items() if k == "icc"}
    )
    if job.keeps_metadata and metadata:
        bpg = with_metadata(container.demux(bpg), metadata)
    files.write(job.output, bpg)


def _of_samples(stored: images.Stored, job: "Job") -> _Coded:
    pixels: Plane = stored.samples
    gray, alpha = stored.mode in {"L", "LA"}, None
    kind: Alpha = "straight"
    if stored.mode in {"LA", "RGBA"}:
        pixels, opacity = pixels[..., :-1], pixels[..., -1]
        alpha = colour.to_alpha_plane(opacity, job.bit_depth)
        if job.premultiplied:
            pixels, kind = _multiplied(pixels, opacity), "premultiplied"
    layout = Layout(
        chroma="gray" if gray else job.chroma.removesuffix("_video"),
        bit_depth=job.bit_depth,
        color_space="ycbcr" if gray else job.color_space,
        limited_range=job.limited_range,
        left=not gray and job.chroma.endswith("_video"),
    )
    if layout.color_space == "rgb":
        layout = replace(layout, chroma="444", left=False)
    return _Coded(colour.to_planes(pixels, layout), layout, alpha, kind)


def _multiplied(pixels: Plane, opacity: Plane) -> Plane:
    white = np.iinfo(pixels.dtype).max
    products = pixels.astype(np.uint64) * opacity[..., None]
    divided: Plane = (products + white // 2) // white
    return divided.astype(pixels.dtype)


def _of_jpeg(stored: images.Stored, data: bytes, job: "Job") -> _Coded:
    """Take the planes of a JPEG as they are, but C, M, Y, K as R, G, B, W."""
    depth, samples = job.bit_depth, stored.samples
    if stored.mode == "CMYK":
        red, green, blue, white = _deepened([255 - samples[..., i] for i in range(4)], depth)
        return _Coded([green, blue, red], Layout("444", depth, "rgb"), white, "white")
    planes = _deepened([samples[..., i] for i in range(samples.shape[2])], depth)
    if stored.mode == "RGB":
        return _Coded([*planes[1:], planes[0]], Layout("444", depth, "rgb"))
    if stored.mode == "L":
        return _Coded(planes, Layout("gray", depth))
    subsampled = _subsampled(data)
    if subsampled is None:
        return _Coded(planes, Layout("444", depth))
    return _Coded(
        _deepened(subsampled.planes, depth), Layout(_CHROMAS[subsampled.pixel_format], depth)
    )


def _subsampled(data: bytes) -> libav.Frame | None:
    """Decode the planes of a JPEG; None where a .bpg has no such chroma format."""
    try:
        frame = libav.decode("mjpeg", data)
    except BadInputError:  # a kind of JPEG that only libjpeg decodes
        return None
    return frame if frame.pixel_format in _CHROMAS else None


def _deepened(planes: list[Plane], depth: int) -> list[Plane]:
    return [colour.to_alpha_plane(plane, depth) for plane in planes]


def _with_hash(bpg: Container) -> Container:
    """Add to each stream the MD5 of its decoded planes, which decoders may check."""
    streams = [stream for stream in reversed(colour_and_alpha(bpg)) if stream is not None]
    layers = [1, 0] if len(streams) == 2 else [0]
    hashes = [_hash(stream).on_layer(layer) for stream, layer in zip(streams, layers, strict=True)]
    return replace(bpg, units=bpg.units + nal.join(hashes))


def _hash(stream: Stream) -> nal.Nal:
    digests = b"".join(
        hashlib.md5(plane.tobytes()).digest()
        for plane in libav.decode("hevc", stream.bare()).planes
    )
    payload = bytes((_HASH_PAYLOAD, 1 + len(digests), _MD5)) + digests + bytes((_END,))
    return nal.Nal(bytes((nal.HASH_SEI << 1, 1)) + escape(payload))
