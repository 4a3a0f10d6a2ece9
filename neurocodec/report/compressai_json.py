"""Curves as CompressAI's JSON: a dict of lists, one file a curve."""

import json
import re
from collections.abc import Sequence

from neurocodec.evaluation.selection import Curve
from neurocodec.report.labels import CODING, among, heading

_TELLING = ("task", "model", "data", "model_sha256", "pictures_sha256", *CODING)
_NAMES = {"psnr_db": "psnr-rgb", "ms_ssim": "ms-ssim-rgb"}


def compressai_json(curve: Curve) -> str:
    """The curve in the format of `python -m compressai.utils.plot -f`.

    "results" has "bpp" and every score that all points have, from fewest to most bits; psnr_db and
    ms_ssim have CompressAI's names.
    """
    setup = curve.setup
    shared = [n for n in curve.points[0].scores if all(n in p.scores for p in curve.points)]
    scores = {_NAMES.get(n, n): [p.scores[n] for p in curve.points] for n in shared}
    record = {
        "name": setup.codec if setup.pre == "none" else f"{setup.codec}, {setup.pre}",
        "description": f"{heading(setup)}; {setup.encoder}, {setup.chroma}",
        "results": {"bpp": [point.bpp for point in curve.points], **scores},
    }
    return json.dumps(record, indent=2) + "\n"


def file_names(curves: Sequence[Curve]) -> list[str]:
    """A unique file name for every curve."""
    label = among((curve.setup for curve in curves), ("codec", "pre"), _TELLING)
    stems = [re.sub(r"[^\w.=-]+", "-", label(curve.setup)) for curve in curves]
    return [f"{stem}.json" for stem in stems]
