"""Write RESULTS.md from template.md, the lines kept beside it and the manifest of the weights."""

import json
import re
from collections.abc import Callable, Iterator, Mapping

import learned
import papers
import proxies
import tasks
from tables import ABSENT, HERE, Line, kept, table, top1_and_kl, with_interval

PAGE = HERE.parent / "RESULTS.md"
RECOGNISERS = {
    "mobilenet_v2_1.0_224": "MobileNetV2",
    "squeezenet1_0": "SqueezeNet",
    "mobilenet_v1_0.75_224": "MobileNetV1 0.75",
    "mcunet_144": "MCUNet",
}
JURY = {f"efficientnet_lite{number}": f"EfficientNet-Lite{number}" for number in range(3)}
POOL = {
    "mobilenet_v2_1.0_224": "MobileNetV2",
    "mobilenet_v2_0.5_224": "MobileNetV2 0.5",
    "squeezenet1_0": "SqueezeNet",
    "mobilenet_v1_0.5_160": "MobileNetV1 0.5",
}
YOLOX = "data/models/yolox_nano_416.safetensors"
WITH_V2 = f"{'+'.join(JURY)}+data/models/mobilenet_v2_1.0_224.safetensors"
FORMER = "search:steps=6:grid=7:drawn=1"  # the default before
SEARCHED = {
    "BPG, KL": ("codec=bpg,pre=search", "kl"),
    "BPG, top-1": ("codec=bpg,pre=search", "top1"),
}
SEARCHED_HALF = {
    "BPG": ("codec=bpg,pre=search", "kl"),
    "VVC": ("codec=vvc,pre=search", "kl"),
    "JPEG": ("codec=jpeg,pre=search", "kl"),
    "JPEG with tables": ("codec=jpeg,pre=search:tables=1", "kl"),
}
SEARCHED_FORMER = {
    "BPG": (f"codec=bpg,pre={FORMER}", "kl"),
    "BPG, MobileNetV2 asked too": (f"codec=bpg,pre={FORMER}:model={WITH_V2}", "kl"),
    "VVC": (f"codec=vvc,pre={FORMER}", "kl"),
    "JPEG": (f"codec=jpeg,pre={FORMER}", "kl"),
    "JPEG with tables": (f"codec=jpeg,pre={FORMER}:tables=1", "kl"),
    "JPEG 2000": (f"codec=jpeg2000,pre={FORMER}", "kl"),
}
UNFILTERED = ("bpg", "jpeg", "jpeg2000", "vvc")
SCHEDULED = ("bpg", "jpeg", "jpeg2000")
SCHEDULES = ("blur", "scale", "tvl1")

LIKENESS = {"psnr_db": "PSNR", "ms_ssim": "MS-SSIM", "fsim": "FSIM", "lpips": "LPIPS"}
ROUNDED = {"bpp": 3, "psnr_db": 1, "ms_ssim": 3, "fsim": 3, "lpips": 3}  # decimals


def page() -> str:
    """The text of RESULTS.md: the template, a table or number in the place of each {name}."""
    template = (HERE / "template.md").read_text()
    return re.sub(r"\{(\w+)\}", lambda name: TABLES[name[1]](), template)


def weights(name: str) -> Iterator[Line]:
    """Yield the bdrate lines of trained weights, from the manifest."""
    manifest = json.loads((HERE.parent / "manifest.json").read_text())
    yield from manifest["weights"][name]["measured"]


def bd_rate(lines: Iterator[Line], *, test: str = "", **wanted: str | int) -> str:
    """The BD-rate and its interval on the line whose test curve has these settings."""
    for line in lines:
        settings = dict(part.partition("=")[::2] for part in line["test"].split(","))
        tests = dict(part.partition("=")[::2] for part in test.split(",") if part)
        if tests.items() <= settings.items() and wanted.items() <= line.items():
            return with_interval(line)
    return ABSENT


def exact(lines: Iterator[Line], test: str, **wanted: str | int) -> str:
    """The BD-rate and its interval on the line of this test curve."""
    return bd_rate((line for line in lines if line["test"] == test), **wanted)


def trained(weight: str, codec: str, model: str, metric: str = "kl") -> str:
    """Format the BD-rate of a trained filter on a codec."""
    return bd_rate(weights(weight), test=f"codec={codec}", model=model, metric=metric)


def first() -> str:
    """README's table: searches and trained filters against the same encoder unfiltered."""
    searches = ("BPG, KL", "BPG, top-1")
    rows = []
    for model, name in {"efficientnet_lite2": "EfficientNet-Lite2, asked", **RECOGNISERS}.items():
        wanted = (SEARCHED[search] for search in searches)
        found = [
            exact(kept("search"), test, model=model, metric=metric, pictures=200)
            for test, metric in wanted
        ]
        rows.append([name, *found, tasks.cell("auto-bpg", model, "auto", "kl")])
    heads = [f"`search`, {search}" for search in searches]
    return table(" | ".join(["recogniser", *heads, "trained, BPG, KL"]), rows)


def default_filters() -> str:
    """The filters of --filter auto against the same encoder unfiltered."""
    rows = [
        [name, *(trained(f"npp-{c}", c, model, m) for c in ("bpg", "vvc") for m in ("kl", "top1"))]
        for model, name in RECOGNISERS.items()
    ]
    return table("recogniser | BPG, KL | BPG, top-1 | VVC, KL | VVC, top-1", rows)


def searched(searches: Mapping[str, tuple[str, str]], pictures: int) -> str:
    """Searches against the same encoder unfiltered, on so many pictures."""
    named = {f"{name}, asked": model for model, name in JURY.items()}
    named |= {name: model for model, name in RECOGNISERS.items()}
    wanted = {"pictures": pictures}
    rows = [
        [
            name,
            *(exact(kept("search"), t, model=m, metric=k, **wanted) for t, k in searches.values()),
        ]
        for name, m in named.items()
    ]
    return table(" | ".join(["recogniser", *searches]), rows)


def searched_settings() -> str:
    """Settings of a search on pictures of the pool."""
    lines = list(kept("search-settings"))
    rows = []
    for test in dict.fromkeys(line["test"] for line in lines):
        cells = [exact(iter(lines), test, model=model) for model in [*JURY, *POOL]]
        rows.append([f"`{_named(test)}`", *cells])
    return table(" | ".join(["`--filter`", *JURY.values(), *POOL.values()]), rows)


def _named(test: str) -> str:
    """The filter of a test curve, the recognisers' folders left out."""
    return re.sub(r"[^+=]*/|\.safetensors", "", test.partition("pre=")[2])


def searched_for_people() -> str:
    """Rates and likeness to the original, unfiltered and searched; their curves do not meet."""
    lines = {(line["qp"], line["pre"]): line for line in kept("search-fidelity")}
    rows = [
        [str(qp), *(_unlike(lines[qp, "none"], lines[qp, "search"], name) for name in ROUNDED)]
        for qp in sorted({qp for qp, _ in lines})
    ]
    return table(" | ".join(["QP", *(LIKENESS.get(name, name) for name in ROUNDED)]), rows)


def _unlike(plain: Line, searched: Line, name: str) -> str:
    """A quantity without and with the search."""
    pair = [line["bpp"] if name == "bpp" else line["scores"][name] for line in (plain, searched)]
    return " → ".join(f"{abs(value):.{ROUNDED[name]}f}" for value in pair)


def searched_across_tasks() -> str:
    """Searches by classifiers' and by a detector's predictions, each seen by both."""
    rows = [
        [
            f"`{_named(test)}`",
            exact(kept("search"), test, model="efficientnet_lite0", metric="kl", pictures=50),
            exact(kept("search-detection"), test, metric="agreement"),
        ]
        for test in (
            f"codec=bpg,pre={FORMER}",
            f"codec=bpg,pre={FORMER}:task=detection:model={YOLOX}:start=none",
        )
    ]
    return table("`--filter` | EfficientNet-Lite0, KL | YOLOX nano, agreement", rows)


def points() -> str:
    """Rates and scores of the unfiltered codecs."""
    lines = list(kept("points"))
    rows = []
    for codec in UNFILTERED:
        for qp in sorted({line["qp"] for line in lines if line["codec"] == codec}):
            fitting = [line for line in lines if (line["codec"], line["qp"]) == (codec, qp)]
            by_model = {line["model"]: line["scores"] for line in fitting}
            scores = [
                top1_and_kl(by_model[model]) if model in by_model else ABSENT
                for model in RECOGNISERS
            ]
            rows.append([f"`{codec}`", str(qp), f"{fitting[0]['bpp']:.3f}", *scores])
    return table("codec | QP | bpp | " + " | ".join(RECOGNISERS.values()), rows)


def codecs() -> str:
    """Unfiltered codecs against unfiltered BPG."""
    rows = [
        [name, *(bd_rate(kept("codecs"), test=f"codec={c}", model=model) for c in UNFILTERED[1:])]
        for model, name in RECOGNISERS.items()
    ]
    return table("recogniser | `jpeg` | `jpeg2000` | `vvc`", rows)


def schedules() -> str:
    """The chosen settings by codec and QP."""
    chosen = [[f"`{c}`", *(_schedule(f"{f}-{c}") for f in SCHEDULES)] for c in SCHEDULED]
    return table("codec | blur (σ) | scale (factor) | TV-L1 (λ)", chosen)


def _schedule(name: str) -> str:
    record = json.loads((HERE / "schedules" / f"{name}.json").read_text())
    filters = record.get("filters") or record["pretransforms"]
    filtered = {qp: spec.partition("=")[2] for qp, spec in filters.items() if spec != "none"}
    return ", ".join(f"{qp}: {value}" for qp, value in filtered.items())


def weightless(metric: str) -> str:
    """Filters without weights against the unfiltered encoder."""
    rows = [
        [f"`{c}`", name]
        + [bd_rate(kept(f), test=f"codec={c}", model=m, metric=metric) for f in SCHEDULES]
        for c in SCHEDULED
        for m, name in RECOGNISERS.items()
    ]
    return table("codec | recogniser | blur | scale | TV-L1", rows)


def over_blur() -> str:
    """npp-bpg against the best blur."""
    rows = [[name, bd_rate(kept("over-blur"), model=m)] for m, name in RECOGNISERS.items()]
    return table("recogniser | `npp-bpg` against the best blur", rows)


def zero_shot() -> str:
    """npp-bpg on the codecs that it was not trained for."""
    pairs = [("npp-bpg", "jpeg"), ("npp-bpg", "vvc"), ("npp-vvc", "vvc")]
    rows = [[name, *(trained(w, c, m) for w, c in pairs)] for m, name in RECOGNISERS.items()]
    head = [f"{'VVC' if c == 'vvc' else 'JPEG'}, `{w}`" for w, c in pairs]
    return table(" | ".join(["recogniser", *head]), rows)


def tv() -> str:
    """The filter trained without a codec."""
    rows = [
        [f"`{c}`", RECOGNISERS[m], trained("tv", c, m, "top1"), trained("tv", c, m)]
        for c in ("jpeg", "jpeg2000", "bpg")
        for m in ("mobilenet_v2_1.0_224", "squeezenet1_0")
    ]
    return table("codec | recogniser | `tv`, top-1 | `tv`, KL", rows)


def tv_lambda() -> str:
    """The filter of a range of λ, trained without a codec, by the λ chosen for codec and QP."""
    rows = [
        [f"`{c}`", name, *(tasks.tv_lambda(c, m, metric) for metric in ("top1", "kl"))]
        for c in ("jpeg", "jpeg2000", "bpg")
        for m, name in RECOGNISERS.items()
    ]
    return table("codec | recogniser | `tv-lambda`, top-1 | `tv-lambda`, KL", rows)


def fidelity() -> str:
    """BD-rates by measures of likeness to the original."""
    rows = [[title, bd_rate(kept("fidelity"), metric=metric)] for metric, title in LIKENESS.items()]
    rows.append(["LPIPS of SqueezeNet", bd_rate(kept("fidelity-squeeze"), metric="lpips")])
    return table("at equal | `auto-bpg` needs, per cent more bits", rows)


TABLES: dict[str, Callable[[], str]] = {
    "searched": lambda: searched(SEARCHED, 200),
    "searched_half": lambda: searched(SEARCHED_HALF, 100),
    "searched_former": lambda: searched(SEARCHED_FORMER, 100),
    "searched_settings": searched_settings,
    "searched_for_people": searched_for_people,
    "searched_across_tasks": searched_across_tasks,
    "default_filters": default_filters,
    "points": points,
    "codecs": codecs,
    "schedules": schedules,
    "weightless_kl": lambda: weightless("kl"),
    "weightless_top1": lambda: weightless("top1"),
    "over_blur": over_blur,
    "zero_shot": zero_shot,
    "tv": tv,
    "tv_lambda": tv_lambda,
    "fidelity": fidelity,
    **learned.TABLES,
    **tasks.TABLES,
    **papers.TABLES,
    **proxies.TABLES,
}

if __name__ == "__main__":
    PAGE.write_text(page())
