"""The local engine: worker processes on this machine, each crash and hang its item's own."""

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from neurocodec import logs, tools
from neurocodec.errors import BugError, NeurocodecError, ToolError, ToolTimeoutError
from neurocodec.logs import LOG

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pebble import ProcessFuture, ProcessPool

Item = TypeVar("Item")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

ITEM_TIMEOUT_S = 3600.0
_AHEAD_ITEMS = 8  # a process
_AHEAD_WEIGHT = 1 << 27


@dataclass(frozen=True)
class Outcome(Generic[Item, Result_co]):
    """The fate of one item: a result, or the error in its place."""

    item: Item
    result: Result_co | None
    error: NeurocodecError | None


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_cores(jobs: int) -> None:
    """Let numerical libraries that this process and its workers load later use their share only.

    Threads that wait for each other on a core that an encoder has cost more than they gain.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, available_cores() // max(1, jobs))))


class Local:
    """Worker processes that start with the first item and end with the block.

    A context manager. Workers end with this process, however it ends.

    Args:
        jobs: worker processes; 0 works in this process, when an item is handed in.
        timeout_s: seconds that one item may take; not watched when `jobs` is 0.
    """

    def __init__(self, jobs: int, timeout_s: float = ITEM_TIMEOUT_S) -> None:
        self.jobs = jobs
        self._timeout_s = timeout_s
        self._stack = ExitStack()
        self._pool: ProcessPool | None = None

    def __enter__(self) -> "Local":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        self._pool = None

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        weight: Callable[[Item], int] = lambda item: 0,
    ) -> Iterator[Outcome[Item, Result]]:
        """The outcome of `function` for every item, in the items' order.

        Args:
            function: importable by name, as are its items and results.
            items: read a little ahead of the work.
            weight: what an item weighs in memory, such as its pixels; fewer heavy ones wait.
        """
        waiting: deque[tuple[Item, int, Callable[[], Outcome[Item, Result]]]] = deque()
        for item in items:
            waiting.append((item, weight(item), self._start(function, item)))
            while len(waiting) > self.jobs * _AHEAD_ITEMS or (
                len(waiting) > 1 and sum(heavy for _, heavy, _ in waiting) > _AHEAD_WEIGHT
            ):
                yield waiting.popleft()[2]()
        while waiting:
            yield waiting.popleft()[2]()

    def submit(self, function: Callable[[Item], Result], item: Item) -> Callable[[], Result]:
        """Hand in an item; calling what this returns waits for its result.

        The call raises what `function` raised, ToolTimeoutError, or ToolError where the worker
        died.

        Raises:
            ToolError: the workers died before.
        """
        outcome = self._start(function, item)
        return lambda: _unwrapped(outcome())

    def _start(
        self, function: Callable[[Item], Result], item: Item
    ) -> Callable[[], Outcome[Item, Result]]:
        if self.jobs == 0:
            outcome = attempt(function, item)
            return lambda: outcome
        if self._pool is None:
            self._pool = self._stack.enter_context(_processes(self.jobs))
        future = _schedule(self._pool, function, item, self._timeout_s)
        return partial(_outcome, item, future, self._timeout_s)


@contextmanager
def _processes(jobs: int) -> Iterator["ProcessPool"]:
    from pebble import ProcessPool

    share_cores(jobs)
    pool = ProcessPool(
        max_workers=jobs,
        context=get_context("spawn"),
        initializer=_begin,
        initargs=[LOG.getEffectiveLevel()],
    )
    try:
        yield pool
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def keeping(kept: Item, begin: Callable[[Item], None], count: int) -> "Executor":
    """Worker processes that keep something large: `begin` takes it in each of them, once.

    They end with this process, however it ends.
    """
    from concurrent.futures import ProcessPoolExecutor

    level = LOG.getEffectiveLevel()
    return ProcessPoolExecutor(count, get_context("spawn"), _begin_keeping, (level, begin, kept))


def _begin_keeping(log_level: int, begin: Callable[[Item], None], kept: Item) -> None:
    _begin(log_level)
    begin(kept)


def _unwrapped(outcome: Outcome[Item, Result]) -> Result:
    if outcome.error is not None:
        raise outcome.error
    return cast(Result, outcome.result)


def _schedule(
    pool: "ProcessPool", function: Callable[[Item], Result], item: Item, timeout_s: float
) -> "ProcessFuture[Any]":
    try:
        return pool.schedule(function, args=[item], timeout=timeout_s)
    except RuntimeError as exc:  # pebble's, after a worker that died while it had nothing to do
        raise ToolError(f"the worker processes died: {exc}: run it again") from exc


def attempt(function: Callable[[Item], Result], item: Item) -> Outcome[Item, Result]:
    """Apply a function here; what it raises costs the item only."""
    try:
        return Outcome(item, function(item), None)
    except NeurocodecError as exc:
        return Outcome(item, None, exc)
    except BrokenPipeError:
        raise
    except Exception as exc:
        return Outcome(item, None, _bug(exc))


def _outcome(item: Item, future: "ProcessFuture[Any]", timeout_s: float) -> Outcome[Item, Result]:
    from concurrent.futures.process import BrokenProcessPool

    from pebble import ProcessExpired

    try:
        return Outcome(item, future.result(), None)
    except NeurocodecError as exc:
        return Outcome(item, None, exc)
    except TimeoutError:
        message = f"took more than {timeout_s:.0f} s and was stopped"
        return Outcome(item, None, ToolTimeoutError(message))
    except (ProcessExpired, BrokenProcessPool) as exc:
        return Outcome(item, None, ToolError(f"the worker process died: {exc}"))
    except Exception as exc:
        return Outcome(item, None, _bug(exc))


def _bug(exc: Exception) -> BugError:
    LOG.info("%s", "".join(traceback.format_exception(exc)))
    return BugError(f"a bug in neurocodec: {type(exc).__name__}: {exc} (-v shows where)")


def _begin(log_level: int) -> None:
    """Set up a worker: it ends with its parent, and says as much on standard error."""
    tools.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    logs.to_stderr(log_level)
