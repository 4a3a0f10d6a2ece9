"""The tables of the default filters before many recognisers, and of other tasks than classes."""

from itertools import product

from learned import CLASSIFIERS
from tables import ABSENT, Line, kept, table, with_interval

TRAINED_AGAINST = (
    "squeezenet1_0",
    "squeezenet1_1",
    "mobilenet_v2_1.0_224",
    "mobilenet_v2_0.5_224",
    "efficientnet_lite0_224",
    "tiny_darknet_224",
)
FILTERS = {
    "classification, `auto-bpg`": "auto",
    "detection, `npp-detection`": "npp:weights=npp-detection",
    "segmentation, `npp-segmentation`": "npp:weights=npp-segmentation",
    "pose, `npp-pose`": "npp:weights=npp-pose",
    "nothing: best blur": "blur",
}
TUNED = "recogniser"  # the fine-tuned MobileNetV2 0.5
TASKS = {
    "classification": ("mobilenet_v1_0.75_224", "kl"),
    "detection": ("yolox_nano_416", "agreement"),
    "segmentation": ("deeplabv3_mnv2_513", "agreement"),
    "pose": ("ultralight_simplepose", "agreement"),
}
OTHERS = {
    "deeplabv3_mnv2_513": "DeepLabV3",
    "deeplabv3_mnv2_dm05_513": "DeepLabV3 0.5",
    "ultralight_simplepose": "SimplePose",
    "movenet_lightning_192": "MoveNet",
    "yolox_nano_416": "YOLOX nano",
}


def many(codec: str, *filters: str) -> str:
    """Trained filters of a codec before nine classifiers."""
    lines = list(kept(f"auto-{codec}"))
    rows = []
    for model, shown in _trained_first():
        cells = [_cell(lines, model, pre, metric) for pre in filters for metric in ("kl", "top1")]
        if set(cells) != {ABSENT}:
            rows.append([shown, *cells])
    named = [f"`{pre.rpartition('=')[2]}`" for pre in filters]
    heads = [f"{name}, {metric}" for name in named for metric in ("KL", "top-1")]
    return table(" | ".join(["recogniser", *heads]), rows)


def other_formats() -> str:
    """auto-bpg on the codecs that it was not trained for, before nine classifiers."""
    codecs = ("jpeg2000", "heic", "avif", "webp", "jxl")
    rows = [
        [name, *(cell(f"auto-{codec}", model, "npp:weights=auto-bpg", "kl") for codec in codecs)]
        for model, name in _trained_first()
    ]
    return table(" | ".join(["recogniser", *(f"`{codec}`" for codec in codecs)]), rows)


def transfer() -> str:
    """Table 1 of the NPP paper: filters by the task they were trained for, and tasks."""
    lines = [line for line in kept("tasks") if _codec(line) == "bpg"]
    rows = [
        [name, *(_cell(lines, model, pre, metric) for model, metric in TASKS.values())]
        for name, pre in FILTERS.items()
    ]
    heads = [
        f"{task}, {OTHERS.get(model, CLASSIFIERS.get(model))}" for task, (model, _) in TASKS.items()
    ]
    return table(" | ".join(["BPG filter trained for", *heads]), rows)


def curves(name: str) -> str:
    """Rate and scores of other tasks by filter and QP."""
    rows = []
    for line in kept(name):
        scores = line["scores"]
        own = next(metric for metric in ("map", "miou", "ap_keypoints") if metric in scores)
        cells = [
            f"{line['bpp']:.3f}",
            f"{100 * scores[own]:.1f}",
            f"{100 * scores['agreement']:.1f}",
        ]
        qp = str(line["qp"])
        rows.append([OTHERS[line["model"]], f"`{line['codec']}`", _filter(line["pre"]), qp, *cells])
    heads = "recogniser | codec | filter | QP | bpp | mAP, mIoU or keypoint AP | agreement"
    return table(heads, rows)


def searched() -> str:
    """Searches by the recognisers of other tasks, and other filters on the same pictures."""
    lines = list(kept("task-search"))
    rows = []
    for (model, name), codec in product(OTHERS.items(), ("bpg", "vvc")):
        own = [line for line in lines if line["model"] == model and _codec(line) == codec]
        if own:
            cells = [_cell(own, model, pre, "agreement") for pre in ("search", "auto", "blur")]
            rows.append([name, f"`{codec}`", str(own[0]["pictures"]), *cells])
    return table("recogniser | codec | pictures | `search` by it | `auto` | best blur", rows)


def formats() -> str:
    """The new formats against unfiltered BPG, and searches with them."""
    lines = list(kept("formats"))
    codecs = ("webp", "avif", "jxl", "heic")
    rows = [
        [f"`{codec}`", *(_cell(lines, model, "none", "kl", codec) for model in _models(lines))]
        for codec in codecs
    ]
    return table(" | ".join(["codec", *(CLASSIFIERS[m] for m in _models(lines))]), rows)


def finetuned() -> str:
    """A classifier fine-tuned on decoded pictures, and filters before it."""
    lines = list(kept("finetuned"))
    rows = [
        [name, *(_cell(lines, TUNED, pre, metric) for metric in ("kl", "top1"))]
        for name, pre in (("`auto`", "auto"), ("trained for it", "tuned"))
    ]
    return table("filter | KL | top-1", rows)


def _trained_first() -> list[tuple[str, str]]:
    """The classifiers and how the tables call them, first those that trained the default filter."""
    names = {m: f"{CLASSIFIERS[m]}, trained against" for m in TRAINED_AGAINST}
    return [*names.items(), *((m, n) for m, n in CLASSIFIERS.items() if m not in names)]


def _models(lines: list[Line]) -> list[str]:
    return [model for model in CLASSIFIERS if any(line["model"] == model for line in lines)]


def _codec(line: Line) -> str:
    codec: str = line["test"].partition("codec=")[2].partition(",")[0]
    return codec


def _filter(pre: str) -> str:
    """The short name of a filter: a search by a file, a schedule of blurs."""
    if pre.startswith("schedule"):
        return "best blur"
    return f"`{pre.partition(':')[0]}`" if pre.startswith("search") else f"`{pre}`"


def _matches(line: Line, pre: str, codec: str) -> bool:
    test = line["test"].partition("pre=")[2]
    known = {
        "auto": test == "auto",
        "blur": "blur" in test,
        "search": test.startswith("search"),
        "tuned": "tuned" in test,
    }
    return known.get(pre, test == pre) and codec in {"", _codec(line)}


def _cell(lines: list[Line], model: str, pre: str, metric: str, codec: str = "") -> str:
    """A BD-rate with its interval."""
    for line in lines:
        if line["model"] == model and line["metric"] == metric and _matches(line, pre, codec):
            return with_interval(line)
    return ABSENT


def cell(name: str, model: str, pre: str, metric: str, codec: str = "") -> str:
    """One BD-rate of a kept file with its interval, for other tables."""
    return _cell(list(kept(name)), model, pre, metric, codec)


def tv_lambda(codec: str, model: str, metric: str) -> str:
    """BD-rate of the filter of a range of λ on a codec."""
    return cell("tv-lambda", model, f"schedule:file=schedules/tv-{codec}.json", metric, codec)


def palacio() -> str:
    """A SegNet that copies pictures and learns to be recognised."""
    pre = "segnet:weights=segnet.safetensors"
    rows = [
        [CLASSIFIERS[m], *(cell("palacio", m, pre, metric) for metric in ("kl", "top1"))]
        for m in ("mobilenet_v2_1.0_224", "squeezenet1_0")
    ]
    return table("recogniser | KL | top-1", rows)


TABLES = {
    "palacio": palacio,
    "many_bpg": lambda: many("bpg", "auto"),
    "many_vvc": lambda: many("vvc", "auto"),
    "other_formats": other_formats,
    "many_jpeg": lambda: many("jpeg", "npp:weights=npp-jpeg", "npp:weights=auto-bpg"),
    "task_transfer": transfer,
    "task_curves": lambda: curves("task-points"),
    "task_search_curves": lambda: curves("task-search-points"),
    "task_search": searched,
    "formats": formats,
    "finetuned": finetuned,
}
