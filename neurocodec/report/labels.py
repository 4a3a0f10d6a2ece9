"""Names and numbers for readers: what tells a curve from others, and true minus signs."""

import re
from collections.abc import Callable, Iterable, Sequence

from neurocodec.evaluation import bd_rate
from neurocodec.evaluation.results import Setup

Label = Callable[[Setup], str]

CODING = ("weights_sha256", "encoder", "chroma", "neurocodec")
_SHA256_DIGITS = 8


def among(setups: Iterable[Setup], always: Sequence[str], where_differing: Sequence[str]) -> Label:
    """Make a function that names each of `setups` differently from the others.

    Args:
        setups: the setups that stand beside each other.
        always: fields that every name has; empty ones are left out.
        where_differing: fields that names have only if two setups differ in them while they
            agree in `always`.
    """
    alike: dict[tuple[str, ...], list[Setup]] = {}
    for setup in setups:
        alike.setdefault(_values(setup, always), []).append(setup)
    extra = [
        key
        for key in where_differing
        if any(len({getattr(setup, key) for setup in group}) > 1 for group in alike.values())
    ]
    return lambda setup: ", ".join(filter(None, _values(setup, [*always, *extra])))


def heading(setup: Setup) -> str:
    """Task, recogniser and pictures in words."""
    subject = ", ".join(filter(None, (setup.task, setup.model.removeprefix("none"))))
    return f"{subject} on {setup.data} ({setup.pictures} pictures)"


def minus(text: str) -> str:
    """The text with a true minus sign before negative numbers and quantities."""
    return re.sub(r"(?<![\w-])-(?=[\d.A-Z])", "−", text)


def percent(value: float) -> str:
    """A signed percentage with one decimal and a true minus sign: "−13.4 %"."""
    return minus(f"{bd_rate.percent(value)} %")


def interval(ends: Sequence[float]) -> str:
    """An interval in per cent: "[−15.0, −11.9]"."""
    return minus(f"[{', '.join(map(bd_rate.percent, ends))}]")


def shortened(sha256: str) -> str:
    """The first digits of a hash, which suffice to tell weights apart."""
    return sha256[:_SHA256_DIGITS]


def _values(setup: Setup, keys: Sequence[str]) -> tuple[str, ...]:
    values = ((key, str(getattr(setup, key))) for key in keys)
    return tuple(shortened(v) if key.endswith("sha256") else v for key, v in values)
