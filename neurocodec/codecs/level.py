"""A codec's rate setting: one value in the codec's own unit."""

from dataclasses import dataclass


def label(unit: str) -> str:
    """The spelling of a unit in messages: "QP", "quality"."""
    return "QP" if unit == "qp" else unit


@dataclass(frozen=True)
class Level:
    """A codec's rate setting.

    Attributes:
        unit: "qp", "quality" …, as the codec names it.
        value: in that unit.
    """

    unit: str
    value: int

    def __str__(self) -> str:
        return f"{label(self.unit)} {self.value}"

    def record(self) -> dict[str, int]:
        """The level as results keep it: {"qp": 34}."""
        return {self.unit: self.value}
