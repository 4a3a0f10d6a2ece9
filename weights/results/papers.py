"""What the papers report, and what was measured here, by other networks and on other data."""

from collections.abc import Sequence

import learned
import proxies
import tasks
from tables import ABSENT, kept, signed, table

_V2, _V1, _YOLOX = "mobilenet_v2_1.0_224", "mobilenet_v1_0.75_224", "yolox_nano_416"
_SEGMENTATION, _POSE = "deeplabv3_mnv2_513", "ultralight_simplepose"
_LOG = "by short trainings: [LOG.md](LOG.md)"
_SEEN = "`report` puts pictures beside each other; none is kept here"


def papers() -> str:
    """Every table and figure of the four papers."""
    rows = [*_npp(), *_tv(), *_dic(), *_spic()]
    return table("paper | table or figure | there | here", rows)


def _npp() -> Sequence[list[str]]:
    det = "npp:weights=npp-detection"
    liked = {line["metric"]: line["bd_rate_percent"] for line in kept("fidelity")}
    people = [
        f"{signed(liked[metric])} % {metric.replace('_', '-').upper()}"
        for metric in ("lpips", "ms_ssim", "fsim")
        if metric in liked
    ]
    found = [
        ("figure 5, detection", "−20.3 % (FCOS, mAP)", _task(_YOLOX, det)),
        ("figure 6, classification", "−22.0 % (ResNet-50, top-1)", _auto(_V2, "top1")),
        (
            "figures 5 and 6, other recognisers",
            "−19.5, −18.8 % (Faster R-CNN, RetinaNet)",
            f"{_auto(_V1)} (MobileNetV1, KL)",
        ),
        ("figure 7, fine-tuned", "−17.3, −21.3 %", _tuned()),
        ("table 1, detection → classification", "−21.7 %", _task(_V1, det, "kl")),
        ("table 1, detection → segmentation", "−12.3 %", _task(_SEGMENTATION, det)),
        ("table 1, detection → pose", "−24.6 %", _task(_POSE, det)),
        ("table 1, classification → detection", "−13.9 %", _task(_YOLOX, "auto")),
        ("table 1, classification → segmentation", "−12.6 %", _task(_SEGMENTATION, "auto")),
        ("table 1, classification → pose", "−14.4 %", _task(_POSE, "auto")),
        ("figure 8a, proxy alone", "−14.6 instead of −20.3 %", _proxy_alone()),
        (
            "figures 8b, 11c and 11d, for people",
            "+8.5 % LPIPS, +8.8 % MS-SSIM, +7.3 % FSIM",
            ", ".join(people) or ABSENT,
        ),
        ("figure 11a, on JPEG untrained", "−8.5, −10.0 %", "see Zero shot"),
        ("figure 11b, on VVC untrained", "−15.6, −12.9 %", "see Zero shot"),
        ("appendix, proxy against BPG", "−1.4 %", f"{proxies.as_codec()} (PSNR)"),
        ("figures 1, 4, 9 and 12, pictures", "", _SEEN),
    ]
    return [["NPP", *row] for row in found]


def _proxy_alone() -> str:
    swapped, alone = (proxies.filtered(pre, _V2) for pre in proxies.FILTERS.values())
    return f"{alone} instead of {swapped} (KL, QP 39 to 43)"


def _tv() -> Sequence[list[str]]:
    codecs = ("jpeg", "jpeg2000", "bpg")
    found = ", ".join(tasks.tv_lambda(codec, _V2, "top1") for codec in codecs)
    ours = f"{found} (`tv-lambda`, MobileNetV2, top-1)"
    return [
        ["TV", "table, three encoders", "−11.9, −17.8, −21.5 % (VGG-16, top-1)", ours],
        ["TV", "table, Palacio+", "+3.7, +15.9, +9.5 %", _palacio()],
        ["TV", "table, TV-L1", "+0.4, +1.3, −3.9 %", "see Filters without weights"],
    ]


def _palacio() -> str:
    ours = tasks.cell("palacio", _V2, "segnet:weights=segnet.safetensors", "kl")
    return f"{ours} (BPG, KL)"


def _dic() -> Sequence[list[str]]:
    found = learned.scores_at("dic", 0.5, "top1", model=_V2)
    names = ("JPEG", learned.FRIC, learned.PLAIN, learned.DIC)
    ours = ", ".join(f"{100 * found[name]:.1f}" for name in names if name in found)
    boxes = learned.scores_at("dic-detection", 0.5, "map")
    shown = (name for name in ("JPEG", learned.FRIC, learned.DIC) if name in boxes)
    mean_ap = ", ".join(f"{100 * boxes[name]:.1f}" for name in shown)
    return [
        ["DIC", "table 1, λ", "64.0 % at 10⁻⁶, FRIC 63.5 (ResNet-18)", _LOG],
        ["DIC", "table 2, MobileNetV2", "59.7, 60.9, 61.5, 61.7 % (JPEG, FRIC, no MMD, DIC)", ours],
        ["DIC", "table 3, detection", "71.7, 71.9, 72.3 (JPEG, FRIC, DIC)", mean_ap],
        ["DIC", "figures 1 and 3 to 10, pictures", "", _SEEN],
    ]


def _spic() -> Sequence[list[str]]:
    rates = (0.143, 0.112, 0.1)
    ours = [learned.scores_at("spic", bpp, "top1", model=learned.TEACHER) for bpp in rates]
    told = ", ".join(f"{100 * found['SPIC']:.1f}" for found in ours if "SPIC" in found)
    return [
        [
            "SPIC",
            "accuracy at 0.143, 0.112, 0.100 bpp",
            "0.8 points lost at the highest",
            f"{told} %",
        ],
        [
            "SPIC",
            "reconstructions",
            "SSIM 0.819 at 0.143 bpp (Kodak)",
            "MS-SSIM in the section on SPIC",
        ],
    ]


def _auto(model: str, metric: str = "kl") -> str:
    return tasks.cell("auto-bpg", model, "auto", metric)


def _task(model: str, pre: str, metric: str = "agreement") -> str:
    return tasks.cell("tasks", model, pre, metric, "bpg")


def _tuned() -> str:
    return tasks.cell("finetuned", tasks.TUNED, "tuned", "top1")


TABLES = {"papers": papers}
