"""Records of what became of a picture: the fields of `--json`, and of a manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.plan import Job

if TYPE_CHECKING:
    from neurocodec.batch.targets import Reached


@dataclass(frozen=True)
class EncodeRecord:
    """One encoded picture.

    Attributes:
        level: the level as it was given, {"qp": 34}, or as a target chose it.
        qp: the QP of `level`, or None.
        quality: the codec's quality, for codecs that have one.
        size_bytes: of the output.
        sha256: of the output.
        encode_s: seconds of filtering and encoding.
        search: what `--filter search` did: steps, seconds, and bpp, λ·D_m and D_m "before", of the
            unfiltered picture, and "after"; None for other filters.
        target: what came of a target, or None where the level was given.
        input_bytes: of the input.
        input_sha256: of the input.
        ms: milliseconds by stage: read, filter, encode, write, verify.
        kept: the output is the input, byte for byte, as it was no larger (`--keep-smaller`).
    """

    input: str
    output: str
    codec: str
    encoder: str
    level: dict[str, int]
    qp: int | None
    quality: int | None
    chroma: str
    pre: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    size_bytes: int
    bpp: float
    sha256: str
    encode_s: float
    search: Mapping[str, Any] | None = None
    target: "Reached | None" = None
    input_bytes: int = 0
    input_sha256: str = ""
    ms: Mapping[str, float] | None = None
    kept: bool = False


@dataclass(frozen=True)
class DecodeRecord:
    """One decoded file; `size_bytes` and `bpp` are the coded file's, `sha256` is the output's."""

    input: str
    output: str
    codec: str
    width: int
    height: int
    size_bytes: int
    bpp: float
    output_bytes: int
    sha256: str = ""
    input_sha256: str = ""
    ms: Mapping[str, float] | None = None


@dataclass(frozen=True)
class FilterRecord:
    """One filtered picture; `search` and what follows as in EncodeRecord."""

    input: str
    output: str
    pre: str
    width: int
    height: int
    search: Mapping[str, Any] | None = None
    size_bytes: int = 0
    sha256: str = ""
    input_bytes: int = 0
    input_sha256: str = ""
    ms: Mapping[str, float] | None = None


Record = EncodeRecord | DecodeRecord | FilterRecord


def as_object(outcome: Outcome[Job, Record]) -> dict[str, Any]:
    """A picture's record as plain values, or its names with `error` and `exit_code`."""
    if outcome.result is not None:
        return asdict(outcome.result)
    assert outcome.error is not None
    job = outcome.item
    failure = {"error": str(outcome.error), "exit_code": outcome.error.exit_code}
    return {"input": job.source, "output": job.target, **failure}


def sizes(record: Record) -> tuple[int, int]:
    """Bytes of the input and of the output."""
    if isinstance(record, DecodeRecord):
        return record.size_bytes, record.output_bytes
    return record.input_bytes, record.size_bytes
