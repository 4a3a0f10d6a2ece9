"""What an engine is, and the choice of one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from neurocodec.batch.engines.local import ITEM_TIMEOUT_S, Local, Outcome

Item = TypeVar("Item")
Result = TypeVar("Result")

ENGINES = ("local", "ray")


class Engine(Protocol):
    """Workers that apply functions to items; a context manager that ends them."""

    def __enter__(self) -> Self:
        """Start it, at the latest with the first item."""

    def __exit__(self, *exception: object) -> None:
        """End the workers."""

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        weight: Callable[[Item], int] = ...,
    ) -> Iterator[Outcome[Item, Result]]:
        """The outcome of `function` for every item, in the items' order, as `Local.map`."""


@dataclass(frozen=True)
class Workers:
    """Which engine works on a batch.

    Attributes:
        count: worker processes; 0 works in this process. Of Ray: tasks at once, 0 being all that
            the cluster takes.
        timeout_s: seconds that one item may take.
        engine: one of ENGINES.
        address: of the Ray cluster; None starts one on this machine.
    """

    count: int = 0
    timeout_s: float = ITEM_TIMEOUT_S
    engine: str = "local"
    address: str | None = None

    def start(self) -> Engine:
        """The engine, to be entered.

        Raises:
            MissingError: Ray is not installed.
        """
        if self.engine == "ray":
            from neurocodec.batch.engines.cluster import Cluster

            return Cluster(self.count, self.timeout_s, self.address)
        return Local(self.count, self.timeout_s)
