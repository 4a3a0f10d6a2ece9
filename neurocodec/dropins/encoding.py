"""A picture file to a .bpg as bpgenc codes it: samples as stored, neither turned nor converted."""

import hashlib
from dataclasses import replace
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


# Planes for the encoder, their layout, the plane beside them, and the kind of that.
_Coded = tuple[list[Plane], Layout, Plane | None, Alpha]


def encode(path: str, job: "Job") -> None:
    """Write the .bpg of a picture file.

    Raises:
        BadInputError: the picture cannot be read.
        OutputError: the .bpg cannot be written.
    """
    data, name = files.read(path), files.display(path)
    stored = images.read_stored(data, name)
    is_jpeg = data.startswith(_JPEG)
    coded = _of_jpeg(stored, data, job.bit_depth) if is_jpeg else _of_samples(stored, job)
    planes, layout, alpha, kind = coded
    alpha_qp = -1 if job.alpha_qp is None else job.alpha_qp
    settings = Settings(effort=job.effort, lossless=job.lossless, alpha_qp=alpha_qp)
    bpg = encode_planes(planes, layout, job.qp, settings, alpha=alpha, alpha_kind=kind)
    if job.has_hash:
        bpg = container.mux(_with_hash(container.demux(bpg)))
    keys = stored.metadata.keys() if is_jpeg else stored.metadata.keys() & {"icc"}
    metadata = {key: stored.metadata[key] for key in keys}
    if job.keeps_metadata and metadata:
        bpg = with_metadata(container.demux(bpg), metadata)
    files.write(job.output, bpg)


def _of_samples(stored: images.Stored, job: "Job") -> _Coded:
    pixels: Plane = stored.samples
    alpha = None
    kind: Alpha = "straight"
    if stored.mode in {"LA", "RGBA"}:
        pixels, opacity = pixels[..., :-1], pixels[..., -1]
        alpha = colour.to_alpha_plane(opacity, job.bit_depth)
        if job.premultiplied:
            pixels, kind = _multiplied(pixels, opacity), "premultiplied"
    if stored.mode in {"L", "LA"}:
        layout = Layout("gray", job.bit_depth, limited_range=job.limited_range)
    else:
        chroma = "444" if job.color_space == "rgb" else job.chroma
        parts = chroma[:3], job.bit_depth, job.color_space, job.limited_range
        layout = Layout(*parts, left=chroma.endswith("_video"))
    return colour.to_planes(pixels, layout), layout, alpha, kind


def _multiplied(pixels: Plane, opacity: Plane) -> Plane:
    white = np.iinfo(pixels.dtype).max
    products = pixels.astype(np.uint64) * opacity[..., None]
    divided: Plane = (products + white // 2) // white
    return divided.astype(pixels.dtype)


def _of_jpeg(stored: images.Stored, data: bytes, depth: int) -> _Coded:
    """Take the planes of a JPEG as they are, but C, M, Y, K as R, G, B, W."""
    samples, chroma = [*np.moveaxis(stored.samples, 2, 0)], "444"
    if stored.mode == "YCbCr" and (frame := _subsampled(data)):
        samples, chroma = frame.planes, _CHROMAS[frame.pixel_format]
    if stored.mode == "CMYK":
        samples = [255 - plane for plane in samples]
    planes: list[Plane] = [colour.to_alpha_plane(plane, depth) for plane in samples]
    if stored.mode in {"RGB", "CMYK"}:
        red, green, blue, *white = planes
        layout = Layout("444", depth, "rgb")
        return [green, blue, red], layout, white[0] if white else None, "white"
    return planes, Layout("gray" if stored.mode == "L" else chroma, depth), None, "straight"


def _subsampled(data: bytes) -> libav.Frame | None:
    """Decode the planes of a JPEG; None where a .bpg has no such chroma format."""
    try:
        frame = libav.decode("mjpeg", data)
    except BadInputError:  # a kind of JPEG that only libjpeg decodes
        return None
    return frame if frame.pixel_format in _CHROMAS else None


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
