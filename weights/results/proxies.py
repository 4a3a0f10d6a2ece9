"""The tables of a learned proxy: as a codec, and of the filters that were trained through it."""

from learned import CLASSIFIERS
from tables import ABSENT, kept, table, with_interval
from tasks import cell

FILTERS = {
    "the codec's, swapped in": "npp:weights=swapped/npp.safetensors",
    "the proxy's own (`--no-swap`)": "npp:weights=alone/npp.safetensors",
}
MODELS = ("mobilenet_v2_1.0_224", "squeezenet1_0")


def as_codec() -> str:
    """The BD-rate (PSNR) of the proxy as a codec of its own, against the codec that it mimics."""
    return next(map(with_interval, kept("proxy")), ABSENT)


def filters() -> str:
    """Filters that were trained through a proxy, with the codec's values and without."""
    rows = [[name, *(filtered(pre, model) for model in MODELS)] for name, pre in FILTERS.items()]
    return table(" | ".join(["values in training", *(CLASSIFIERS[m] for m in MODELS)]), rows)


def filtered(pre: str, model: str) -> str:
    """The BD-rate (KL) of one of these filters."""
    return cell("proxy-filters", model, pre, "kl")


def curve() -> str:
    """Rate and PSNR of the proxy and of the codec."""
    rows = [
        [f"`{line['codec']}`", str(line["qp"]), f"{line['bpp']:.3f}", f"{psnr:.2f}"]
        for line in kept("proxy-points")
        for psnr in [line["scores"]["psnr_db"]]
    ]
    return table("codec | QP | bpp | PSNR, dB", rows)


TABLES = {"proxy_curve": curve, "proxy_gap": as_codec, "proxy_filters": filters}
