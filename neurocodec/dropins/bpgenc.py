"""`neurocodec-bpgenc`: libbpg's encoder command, for scripts on a machine without libbpg."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from neurocodec import __version__
from neurocodec.dropins import command
from neurocodec.errors import UsageError

HELP = f"""\
BPG Image Encoder version {command.LIBBPG} (neurocodec {__version__} drop-in, by x265)
usage: neurocodec-bpgenc [options] infile

-h                 show this and exit with 1
-o outfile         the .bpg to write (default out.bpg)
-q qp              0 (best) to 51 (default 29)
-f cfmt            chroma format: 420, 422, 444, 420_video or 422_video (default 420)
-c color_space     ycbcr, rgb, ycgco, ycbcr_bt709 or ycbcr_bt2020 (default ycbcr)
-b bit_depth       8, 10 or 12 (default 8)
-lossless          keep every sample
-e encoder         x265, the only one here (default)
-m level           1 (fast) to 9 (slow) (default 8)
-alphaq qp         QP of the alpha channel (default as -q)
-premul            store the colour multiplied by alpha
-limitedrange      video range
-hash              add an MD5 of the decoded samples
-keepmetadata      keep the metadata (of a JPEG EXIF, ICC profile and XMP; of others the profile)
-v                 show debug messages

The samples of a JPEG are coded as they are, whatever -f and -c say. Not here: -e jctvc, and
animations (-a).
"""
_SHORT = "q:o:hf:c:vm:b:e:a"
_LONG = (
    *("hash", "keepmetadata", "alphaq=", "lossless", "limitedrange"),
    *("premul", "loop=", "fps=", "delayfile="),
)
_CHROMAS = ("420", "422", "444", "420_video", "422_video")
_COLOR_SPACES = ("ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020")
_BIT_DEPTHS = (8, 10, 12)
_ONLY_IN_ANIMATIONS = {"loop", "fps", "delayfile"}


@dataclass(frozen=True)
class Job:
    """One call of bpgenc.

    Attributes:
        output: the file to write.
        qp: QP of the colour.
        alpha_qp: QP of the alpha channel; None for the colour's.
        chroma: chroma format as -f names it.
        color_space: colour space as -c names it.
        bit_depth: bits of a coded sample.
        limited_range: video range.
        lossless: no sample is changed by coding.
        effort: -m.
        premultiplied: the colour is stored multiplied by alpha.
        has_hash: an MD5 of the decoded samples is added.
        keeps_metadata: EXIF, ICC profile and XMP go into the file.
        verbosity: how often -v stands.
    """

    output: str = "out.bpg"
    qp: int = 29
    alpha_qp: int | None = None
    chroma: str = "420"
    color_space: str = "ycbcr"
    bit_depth: int = 8
    limited_range: bool = False
    lossless: bool = False
    effort: int = 8
    premultiplied: bool = False
    has_hash: bool = False
    keeps_metadata: bool = False
    verbosity: int = 0


_LOSSLESS = {
    "lossless": True,
    "color_space": "rgb",
    "chroma": "444",
    "bit_depth": 8,
    "limited_range": False,
}
_FLAGS: Mapping[str, Mapping[str, Any]] = {
    "hash": {"has_hash": True},
    "keepmetadata": {"keeps_metadata": True},
    "lossless": _LOSSLESS,
    "limitedrange": {"limited_range": True},
    "premul": {"premultiplied": True},
}


def bpgenc(arguments: Sequence[str]) -> None:
    """Encode one picture as libbpg's bpgenc does."""
    options, operands = command.parse(arguments, _SHORT, _LONG)
    if ("h", "") in options or not operands:
        command.show(HELP)
    job = Job()
    for name, value in options:  # in their order: some set others back
        if name not in _ONLY_IN_ANIMATIONS:
            job = replace(job, **_change(job, name, value))
    from neurocodec.cli import console
    from neurocodec.dropins import encoding

    console.set_up(job.verbosity)
    encoding.encode(operands[0], job)


def _change(job: Job, name: str, value: str) -> Mapping[str, Any]:
    """Translate an option to the fields of a job."""
    match name:
        case "o":
            return {"output": value}
        case "v":
            return {"verbosity": job.verbosity + 1}
        case "q" | "alphaq":
            qp = _one_of(name, command.number(value), range(52))
            return {"qp" if name == "q" else "alpha_qp": qp}
        case "f":
            return {"chroma": _one_of(name, value, _CHROMAS)}
        case "c":
            space = _one_of(name, value, _COLOR_SPACES)
            return {"color_space": space, "chroma": "444" if space == "rgb" else job.chroma}
        case "b":
            return {"bit_depth": _one_of(name, command.number(value), _BIT_DEPTHS)}
        case "m":
            return {"effort": min(9, max(1, command.number(value)))}
        case "e":
            _one_of(name, value, ("x265",))
            return {}
        case "a":
            raise UsageError(
                "-a: animations are not written here: encode each picture by itself, or build "
                f"libbpg {command.LIBBPG}"
            )
    return _FLAGS[name]


def _one_of(option: str, value: Any, known: Sequence[Any]) -> Any:
    if value in known:
        return value
    names = f"{known[0]} to {known[-1]}" if isinstance(known, range) else ", ".join(map(str, known))
    raise UsageError(f"-{option} {value}: it is one of {names} here")


def main() -> NoReturn:
    """Run as a program."""
    command.run(bpgenc, "neurocodec-bpgenc")
