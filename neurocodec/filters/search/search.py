"""`--filter search`."""

import hashlib
import json
import time
from functools import cached_property

import torch

from neurocodec import registry, weights
from neurocodec.codecs import Codec, Level, qp_tables
from neurocodec.errors import UsageError
from neurocodec.filters.filter import Account, Filter
from neurocodec.filters.search import jury
from neurocodec.filters.search.descent import Descent, Plan, Tried
from neurocodec.filters.search.field import Field, Start, TiledProxy
from neurocodec.filters.search.tables import QuantisationTables
from neurocodec.filters.search.views import WINDOW, OverWhite, views
from neurocodec.images import Image
from neurocodec.losses.algorithm1 import View
from neurocodec.losses.quantisation import dct_proxy
from neurocodec.measures.rate import bpp
from neurocodec.networks import checkpoint, devices
from neurocodec.networks.filter import padded
from neurocodec.networks.light import Light
from neurocodec.networks.npp import ARCHITECTURES, Npp
from neurocodec.networks.tensors import to_tensor

AUTO, NONE = "auto", "none"
STARTS = {"bpg": "npp-bpg", "vvc": "npp-vvc", "jpeg": NONE, "jpeg2000": NONE}
"""Starts of searches by classifiers, by codec; other codecs start from their default filter."""

_STARTING = {name for name, body in ARCHITECTURES.items() if issubclass(body, Light)}
_LARGEST_GRID, _MOST = 128, 1000


class Search(Filter):
    """The blurs of one picture that cost the least, R + λ·D_m, found by descent through the codec.

    Args:
        codec: the real one; None where there is none to search through.
        steps: of the descent; 0 is the trained filter that the search starts from.
        drawn: recognisers whose gradient a step takes, in turn; 0 is all.
        every: the real codec codes at every so many steps.
        seed: whose turn comes first, where not all are asked.
        tables: search JPEG's quantisation tables too.
        residual: search a residual too.
        grid: cells of the map of blurs along a square picture's side.
        model: recognisers with + between them, as `recognisers.load` takes them, percent-encoded;
            "" is the installed ones.
        task: theirs.
        temperature: by which classifiers' predictions are softened; higher carries over better to
            those that are never asked (weights/LOG.md). Detectors' are taken as they are.
        weight: of recognition against bits, times the codec's λ.
        start: weights of npp-light or a larger one to start from; "auto" for STARTS by
            classifiers, else for the codec's default filter if it is such a network; "none" for
            the best single blur.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: a setting out of its range, a codec without λ or without loss, or no model for
            a task that has none installed.
        MissingError: weights that are not there.
    """

    qps = (12.0, 48.0)

    def __init__(
        self,
        codec: Codec | None = None,
        steps: int = 4,
        grid: int = 28,
        drawn: int = 0,
        every: int = 1,
        seed: int = 0,
        tables: bool = False,
        residual: bool = False,
        model: str = "",
        task: str = "classification",
        temperature: float = 2.0,
        weight: float = 1.0,
        start: str = AUTO,
        device: str = "cpu",
    ) -> None:
        if codec is None or codec.lossless:
            raise UsageError("search needs a codec with loss to search through")
        if tables and codec.name != "jpeg":
            raise UsageError(f"search:tables=1 is for jpeg, not for {codec.name}")
        _check("steps", steps, 0, _MOST)
        _check("grid", grid, 1, _LARGEST_GRID)
        _check("drawn", drawn, 0, _MOST)
        _check("every", every, 1, _MOST)
        if not 0 < weight <= _MOST:
            raise UsageError(f"search:weight goes from above 0 to {_MOST}, not {weight:g}")
        models = jury.models(model, task)
        if not models:
            raise UsageError(f"search for {task} needs a recogniser: add --model FILE or NAME")
        devices.keep_memory()
        self._device = devices.resolve(device)
        self.device_type = self._device.type
        self.needs_encoder = tables
        self._plan = Plan(steps, drawn, every, seed)
        self._codec, self._grid, self._tables, self._residual = codec, grid, tables, residual
        named = _automatic(codec.name, task) if start == AUTO else start
        self._start, self._start_qps, start_sha256 = _start(named, self._device)
        recognition = jury.recognition(models, task, temperature)
        self._objective = jury.objective(recognition, weight, codec.name, self._device)
        recognisers = [loss.fingerprint for loss in self._objective.losses.values()]
        together = " ".join([start_sha256, *recognisers])
        self.weights_sha256 = hashlib.sha256(together.encode()).hexdigest()

    def __call__(self, image: Image, qp: float) -> Image:
        """Search for the picture that costs the least; alpha and metadata stay as they are."""
        return self.with_account(image, qp)[0]

    def identity(self, qp: float) -> str:
        """Tell why pictures pass unchanged at this QP; "" where they are searched."""
        lowest, highest = self._start_qps
        if self._plan.steps == 0 and not lowest <= qp <= highest:
            return f"the start of the search knows QP {lowest:g} to {highest:g} only"
        return super().identity(qp)

    def with_account(self, image: Image, qp: float) -> tuple[Image, Account]:
        """Search, and tell steps, bpp, λ·D_m and D_m before and after, and seconds."""
        if self.identity(qp):
            return image, {}
        begin = time.perf_counter()
        with devices.repeatable():
            x = padded(to_tensor([image], self._device), self._start.stride)
            tables = QuantisationTables(self._level(qp).value) if self._tables else None
            started = self._start_at(qp)(x, qp)
            field = Field(x, *started, self._cell(image), tables, self._residual).to(self._device)
            if not self._plan.steps:
                return field.as_picture(field.rounded(), image), {}
            plain, best = self._descent(image, qp)(field, self._plan)
        account = {"steps": self._plan.steps, "before": _told(plain), "after": _told(best)}
        return best.image, account | {"seconds": time.perf_counter() - begin}

    def _start_at(self, qp: float) -> Start:
        """The start; from nothing where its network was not trained for the QP."""
        lowest, highest = self._start_qps
        return self._start if lowest <= qp <= highest else Start(None)

    def _cell(self, image: Image) -> float:
        return min(image.width, image.height, WINDOW) / self._grid

    def _level(self, qp: float) -> Level:
        return Level(self._codec.unit, qp_tables.level_at_qp(self._codec.name, qp))

    def _descent(self, image: Image, qp: float) -> Descent:
        codec, level = self._codec, self._level(qp)

        def coded(filtered: Image) -> tuple[Image, float]:
            data = codec.encode(filtered, level)
            return codec.decode(data), bpp(len(data), image.width, image.height)

        goal = self._objective.goal(
            to_tensor([image], self._device), [None], self._views(image), [qp]
        )
        return Descent(image, goal, self._objective, coded, self._proxy, self._device)

    def _views(self, image: Image) -> list[View]:
        shown = views(image.width, image.height)
        if image.alpha is None:
            return shown
        alpha = torch.from_numpy(image.alpha).to(self._device) / 255
        return [OverWhite(alpha, view) for view in shown]

    @cached_property
    def _proxy(self) -> TiledProxy:
        return TiledProxy(dct_proxy(self._codec.name, self._codec.chroma)).to(self._device)


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"search:{name} goes from {least} to {most}, not {value}")


def _automatic(codec_name: str, task: str) -> str:
    """The weights to start from, or NONE."""
    installed = weights.installed()
    named = STARTS.get(codec_name, "") if task == "classification" else ""
    if named in {NONE, *installed}:
        return named
    default = registry.parse(weights.automatic().get(codec_name, ""))[1].get("weights", NONE)
    architecture = installed.get(default, {}).get("architecture", "{}")
    return default if json.loads(architecture).get("arch") in _STARTING else NONE


def _start(named: str, device: torch.device) -> tuple[Start, tuple[float, float], str]:
    """The start of that name, its lowest and highest QP, and the sha256 of its weights."""
    if named == NONE:
        return Start(None), Search.qps, ""
    network, stored = checkpoint.read(named, Npp, "preprocessor")
    if not isinstance(network.body, Light):
        raise UsageError(f"search:start={named}: is no npp-light, -context or -semantic")
    body = network.body.to(device).to(memory_format=torch.channels_last)
    lowest, highest = stored.made.get("qps", Search.qps)
    return Start(body), (lowest, highest), stored.sha256


def _told(tried: Tried) -> Account:
    return {
        "bpp": tried.bpp,
        "recognition": tried.recognition,
        "d_m": dict(tried.d_m),
    }
