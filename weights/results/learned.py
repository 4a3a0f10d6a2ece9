"""The tables of the learned codecs: scores at equal rates, what entropy coding saves, likeness."""

from collections.abc import Iterator, Sequence

from tables import ABSENT, Line, kept, signed, table, top1_and_kl

CLASSIFIERS = {
    "efficientnet_lite0_224": "EfficientNet-Lite0",
    "mobilenet_v2_1.0_224": "MobileNetV2",
    "mobilenet_v2_0.5_224": "MobileNetV2 0.5",
    "squeezenet1_0": "SqueezeNet 1.0",
    "squeezenet1_1": "SqueezeNet 1.1",
    "mobilenet_v1_0.75_224": "MobileNetV1 0.75",
    "mobilenet_v1_0.5_160": "MobileNetV1 0.5",
    "mcunet_144": "MCUNet",
    "tiny_darknet_224": "Tiny Darknet",
}
TEACHER = "efficientnet_lite0"
DIC, PLAIN, FRIC = "DIC", "DIC without MMD", "FRIC"
SPIC_RATES = (0.1, 0.112, 0.143, 0.2, 0.3)
DETECTOR = "yolox_nano_416"
_BPP = 1 / 8  # of an iteration of DIC, packed
_HIGHEST = 0.32  # bpp, of JPEG's and BPG's files beside SPIC's


def name_of(curve: str) -> str:
    """The column of a curve, such as "codec=dic:weights=fric,pre=none"."""
    codec, _, weights = curve.partition("codec=")[2].partition(",")[0].partition(":")
    if codec == "spic":
        return "SPIC"
    if codec != "dic":
        return codec.upper()
    return FRIC if "fric" in weights else PLAIN if "no-mmd" in weights else DIC


def dic_scores(bpp: float) -> str:
    """Table 2 of "Discernible Image Compression": top-1 and KL of each codec at one rate."""
    columns = ("JPEG", "BPG", FRIC, PLAIN, DIC)
    rows = []
    for model, name in CLASSIFIERS.items():
        found: dict[str, Line] = {column: {} for column in columns}
        for line in _at("dic", bpp, model=model):
            found[name_of(line["anchor"])][line["metric"]] = line["anchor_score"]
            found[name_of(line["test"])][line["metric"]] = line["test_score"]
        cells = [top1_and_kl(found[c]) if len(found[c]) == 2 else ABSENT for c in columns]
        rows.append([name, _clean(model), *cells])
    return table(" | ".join(["recogniser", "original", *columns]), rows)


def dic_against(bpp: float) -> str:
    """What DIC's scores are above those of the others, with intervals."""
    others = ((FRIC, "top1"), (FRIC, "kl"), (PLAIN, "kl"), ("JPEG", "kl"), ("BPG", "kl"))
    rows = [
        [name, *(_difference("dic", bpp, DIC, other, metric, model) for other, metric in others)]
        for model, name in CLASSIFIERS.items()
    ]
    heads = [f"{other}, {'top-1' if metric == 'top1' else 'KL'}" for other, metric in others]
    return table(" | ".join(["recogniser", *heads]), rows)


def mmd_against(bpp: float) -> str:
    """What DIC's scores without MMD are above FRIC's."""
    rows = [
        [name, *(_difference("dic", bpp, PLAIN, FRIC, metric, model) for metric in ("top1", "kl"))]
        for model, name in CLASSIFIERS.items()
    ]
    return table("recogniser | FRIC, top-1 | FRIC, KL", rows)


def dic_packing() -> str:
    """Rates of packed bits and of entropy-coded ones."""
    lines = {
        (name_of(f"codec={p['codec']}"), p["level"]["iterations"]): p for p in kept("dic-points")
    }
    rows = []
    for iterations in sorted({level for _, level in lines}):
        packed = iterations * _BPP
        rates = [lines[column, iterations]["bpp"] for column in (FRIC, DIC)]
        savings = [f"{rate:.3f}, {signed(100 * (rate / packed - 1))} %" for rate in rates]
        rows.append([str(iterations), f"{packed:.3f}", *savings])
    return table("iterations | packed, bpp | FRIC, coded | DIC, coded", rows)


def dic_likeness() -> str:
    """PSNR and MS-SSIM of each codec at two rates."""
    columns = ("JPEG", "BPG", FRIC, PLAIN, DIC)
    rows = []
    for bpp in (0.25, 0.5):
        for metric, title, decimals in (("psnr_db", "PSNR, dB", 2), ("ms_ssim", "MS-SSIM", 3)):
            found = scores_at("dic-likeness", bpp, metric)
            cells = [f"{found[c]:.{decimals}f}" if c in found else ABSENT for c in columns]
            rows.append([f"{bpp:g}", title, *cells])
    return table(" | ".join(["bpp", "", *columns]), rows)


def spic_points() -> str:
    """SPIC's classes from latents by quality factor."""
    rows = [
        [str(point["level"]["qf"]), f"{point['bpp']:.3f}", top1_and_kl(point["scores"])]
        for point in kept("spic-points")
        if point["model"] == TEACHER
    ]
    return table("QF | bpp | top-1 / KL", rows)


def spic_against() -> str:
    """SPIC-Q, and decoded pictures before the same recogniser, at equal rates."""
    rows = []
    for bpp in SPIC_RATES:
        found = scores_at("spic", bpp, "top1", model=TEACHER)
        cells = [_percent(found[c]) if c in found else ABSENT for c in ("SPIC", "JPEG", "BPG")]
        gaps = [_difference("spic", bpp, "SPIC", o, "top1", TEACHER) for o in ("JPEG", "BPG")]
        rows.append([f"{bpp:g}", *cells, *gaps])
    return table("bpp | SPIC-Q | JPEG | BPG | above JPEG | above BPG", rows)


def spic_others() -> str:
    """Every classifier's top-1 accuracy of JPEG's and BPG's pictures, at the rates they reach."""
    lines = [line for line in kept("anchors") if line["bpp"] < _HIGHEST]
    files = {(line["codec"], *line["level"].values()): line["bpp"] for line in lines}
    scores = {
        (line["model"], line["codec"], *line["level"].values()): line["scores"]["top1"]
        for line in lines
    }
    ordered = sorted(files, key=lambda one: (one[0] == "bpg", files[one]))
    rows = [
        [name, _clean(model), *(_percent(scores[model, *one]) for one in ordered)]
        for model, name in CLASSIFIERS.items()
        if any(line["model"] == model for line in lines)
    ]
    heads = [f"{codec.upper()} {level}, {files[codec, level]:.3f}" for codec, level in ordered]
    return table(" | ".join(["recogniser", "original", *heads]), rows)


def spic_likeness() -> str:
    """PSNR and MS-SSIM of SPIC's pictures and JPEG's at low rates."""
    rows = []
    for point in kept("spic-likeness"):
        (value,) = point["level"].values()
        scores = point["scores"]
        likeness = (f"{scores['psnr_db']:.1f}", f"{scores['ms_ssim']:.2f}")
        rows.append([f"{point['codec'].upper()} {value}", f"{point['bpp']:.3f}", *likeness])
    return table("codec, QF or quality | bpp | PSNR, dB | MS-SSIM", rows)


def dic_detection() -> str:
    """Table 3 of "Discernible Image Compression": a detector's scores at 0.5 bpp."""
    columns = ("JPEG", "BPG", FRIC, DIC)
    rows = []
    for metric, title in (("map", "mAP"), ("agreement", "agreement")):
        found = scores_at("dic-detection", 0.5, metric)
        gaps = [
            _difference("dic-detection", 0.5, DIC, other, metric, DETECTOR)
            for other in (FRIC, "JPEG", "BPG")
        ]
        rows.append(
            [title, *(_percent(found[c]) if c in found else ABSENT for c in columns), *gaps]
        )
    return table(" | ".join(["", *columns, *(f"above {c}" for c in (FRIC, "JPEG", "BPG"))]), rows)


def _at(name: str, bpp: float, **wanted: str) -> Iterator[Line]:
    for line in kept(name):
        if line["bpp"] == bpp and wanted.items() <= line.items():
            yield line


def scores_at(name: str, bpp: float, metric: str, **wanted: str) -> dict[str, float]:
    """The score of every codec at a rate."""
    found = {}
    for line in _at(name, bpp, metric=metric, **wanted):
        found[name_of(line["anchor"])] = line["anchor_score"]
        found[name_of(line["test"])] = line["test_score"]
    return found


def _difference(name: str, bpp: float, test: str, anchor: str, metric: str, model: str) -> str:
    """A score above another one: nats less of KL, or percentage points."""
    unit, decimals = (1, 2) if metric == "kl" else (100, 1)
    for line in _at(name, bpp, metric=metric, model=model):
        if (name_of(line["anchor"]), name_of(line["test"])) == (anchor, test):
            values: Sequence[float] = (line["difference"], *line["interval"])
            middle, low, high = (signed(unit * value, decimals) for value in values)
            return f"{middle} [{low}, {high}]"
    return ABSENT


def _clean(model: str) -> str:
    """The top-1 accuracy on originals."""
    for line in kept("originals"):
        if line["model"] == model:
            return _percent(line["top1"])
    return ABSENT


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


TABLES = {
    "dic_scores_low": lambda: dic_scores(0.25),
    "dic_scores": lambda: dic_scores(0.5),
    "dic_against_low": lambda: dic_against(0.25),
    "dic_against": lambda: dic_against(0.5),
    "mmd_against": lambda: mmd_against(0.5),
    "dic_packing": dic_packing,
    "dic_likeness": dic_likeness,
    "dic_detection": dic_detection,
    "spic_points": spic_points,
    "spic_against": spic_against,
    "spic_others": spic_others,
    "spic_likeness": spic_likeness,
}
