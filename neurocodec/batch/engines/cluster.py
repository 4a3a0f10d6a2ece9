"""The engine of a Ray cluster: tasks on its machines, begun again where a worker dies."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, Self, TypeVar

from neurocodec import logs
from neurocodec.batch.engines.local import Outcome, attempt, available_cores
from neurocodec.errors import MissingError, ToolError, ToolTimeoutError
from neurocodec.logs import LOG

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD_ITEMS = 8  # a worker
_RETRIES = 3


class Cluster:
    """Tasks on a Ray cluster, one core each; a context manager that leaves the cluster.

    Files have to reach every machine: the folders are shared, or names are URLs.

    Args:
        count: tasks at once, where it makes a cluster on this machine; 0 is one a core.
        timeout_s: seconds that one item may take.
        address: of a running cluster, "auto" finds this machine's; None makes one here.

    Raises:
        MissingError: Ray is not installed.
    """

    def __init__(self, count: int, timeout_s: float, address: str | None) -> None:
        if find_spec("ray") is None:
            raise MissingError("--engine ray needs Ray: pip install 'neurocodec[ray]'")
        self._count = count or available_cores()
        self._timeout_s, self._address = timeout_s, address
        self._ray: Any = None

    def __enter__(self) -> Self:
        self._ray = ray = import_module("ray")
        own = {"num_cpus": self._count, "include_dashboard": False}
        try:
            ray.init(
                address=self._address or "local",
                configure_logging=False,
                log_to_driver=False,
                **(own if self._address is None else {}),
            )
        except (ConnectionError, RuntimeError, ValueError) as exc:
            reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
            raise ToolError(f"--address {self._address}: no Ray cluster there ({reason})") from exc
        return self

    def __exit__(self, *exception: object) -> None:
        self._ray.shutdown()

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        weight: Callable[[Item], int] = lambda item: 0,
    ) -> Iterator[Outcome[Item, Result]]:
        """The outcome of `function` for every item, in the items' order.

        Args:
            function: importable by name on the workers, as are its items and results.
            items: read a little ahead of the work.
            weight: has no effect: waiting items lie in Ray's store.
        """
        task = self._ray.remote(num_cpus=1, max_retries=_RETRIES)(_attempt)
        setting = (str(Path.cwd()), self._timeout_s, LOG.getEffectiveLevel())
        waiting: deque[tuple[Item, Any]] = deque()
        ahead = _AHEAD_ITEMS * int(self._ray.cluster_resources().get("CPU", self._count))
        for item in items:
            waiting.append((item, task.remote(function, item, setting)))
            if len(waiting) > ahead:
                yield self._outcome(*waiting.popleft())
        while waiting:
            yield self._outcome(*waiting.popleft())

    def _outcome(self, item: Item, reference: Any) -> Outcome[Item, Any]:
        errors = self._ray.exceptions
        try:
            outcome: Outcome[Item, Any] = self._ray.get(reference)
        except errors.RayError as exc:
            reason = " ".join(str(exc).split())[:200]
            return Outcome(item, None, ToolError(f"the worker died: {reason}"))
        return Outcome(item, outcome.result, outcome.error)


def _attempt(
    function: Callable[[Item], Result], item: Item, setting: tuple[str, float, int]
) -> Outcome[Any, Result]:
    """Apply a function on a worker, in the folder of the command, for so many seconds at most."""
    folder, timeout_s, level = setting
    logs.to_stderr(level)
    try:
        os.chdir(folder)
    except OSError:
        error = ToolError(f"{folder}: is not on the worker: share it, or name URLs")
        return Outcome(None, None, error)

    def give_up(number: int, frame: FrameType | None) -> None:
        raise ToolTimeoutError(f"took more than {timeout_s:.0f} s and was stopped")

    former = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        outcome = attempt(function, item)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    return Outcome(None, outcome.result, outcome.error)
