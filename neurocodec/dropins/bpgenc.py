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
# Each option's field of a job, and the values that it takes here.
_CHOICES: Mapping[str, tuple[str, Sequence[Any]]] = {
    "q": ("qp", range(52)),
    "alphaq": ("alpha_qp", range(52)),
    "b": ("bit_depth", (8, 10, 12)),
    "f": ("chroma", ("420", "422", "444", "420_video", "422_video")),
    "c": ("color_space", ("ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020")),
    "e": ("encoder", ("x265",)),
}
_LOSSLESS = {"color_space": "rgb", "chroma": "444", "bit_depth": 8, "limited_range": False}
_FLAGS: Mapping[str, Mapping[str, Any]] = {
    "hash": {"has_hash": True},
    "keepmetadata": {"keeps_metadata": True},
    "lossless": {"lossless": True, **_LOSSLESS},
    "limitedrange": {"limited_range": True},
    "premul": {"premultiplied": True},
}


@dataclass(frozen=True)
class Job:
    """One call of bpgenc, its fields as HELP describes the options."""

    output: str = "out.bpg"
    qp: int = 29
    alpha_qp: int | None = None
    chroma: str = "420"
    color_space: str = "ycbcr"
    bit_depth: int = 8
    limited_range: bool = False
    lossless: bool = False
    encoder: str = "x265"
    effort: int = 8
    premultiplied: bool = False
    has_hash: bool = False
    keeps_metadata: bool = False
    verbosity: int = 0


def bpgenc(arguments: Sequence[str]) -> None:
    """Encode one picture as libbpg's bpgenc does."""
    options, operands = command.parse(arguments, _SHORT, _LONG)
    if ("h", "") in options or not operands:
        command.show(HELP)
    job = Job()
    for name, value in options:  # in their order: some set others back
        job = replace(job, **_change(job, name, value))
    from neurocodec.cli import console
    from neurocodec.dropins import encoding

    console.set_up(job.verbosity)
    encoding.encode(operands[0], job)


def _change(job: Job, name: str, value: str) -> Mapping[str, Any]:
    """Translate an option to fields of a job; those of animations alone change none."""
    if name in _CHOICES:
        field, known = _CHOICES[name]
        chosen = command.number(value) if isinstance(known[0], int) else value
        if chosen not in known:
            names = "0 to 51" if len(known) == 52 else ", ".join(map(str, known))
            raise UsageError(f"-{name} {value}: it is one of {names} here")
        return {field: chosen, "chroma": "444"} if chosen == "rgb" else {field: chosen}
    if name == "a":
        raise UsageError(
            "-a: animations are not written here: encode each picture by itself, or build "
            f"libbpg {command.LIBBPG}"
        )
    others: Mapping[str, Mapping[str, Any]] = {
        "o": {"output": value},
        "v": {"verbosity": job.verbosity + 1},
        "m": {"effort": min(9, max(1, command.number(value)))},
    }
    return others.get(name) or _FLAGS.get(name, {})


def main() -> NoReturn:
    """Run as a program."""
    command.run(bpgenc, "neurocodec-bpgenc")
