"""The one pool of processes: many items through one function, each crash and hang its own."""

import logging
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from neurocodec import tools
from neurocodec.errors import BugError, NeurocodecError, ToolError, ToolTimeoutError

if TYPE_CHECKING:
    from pebble import ProcessFuture, ProcessPool

Item = TypeVar("Item")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

LOG = logging.getLogger("neurocodec")
_AHEAD = 8


@dataclass(frozen=True)
class Outcome(Generic[Item, Result_co]):
    """What became of one item: a result, or the error in its place."""

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
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, available_cores() // jobs)))


def each(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    jobs: int,
    timeout_s: float,
) -> Iterator[Outcome[Item, Result]]:
    """Apply `function` to every item, in `jobs` processes, and yield outcomes in the items' order.

    A worker that dies or hangs costs its own item only. Workers end with this process, however
    it ends, and the pool ends with the generator.

    Args:
        function: importable by name, as are its items and results.
        items: read a little ahead of the work.
        jobs: processes; 1 works in this process.
        timeout_s: seconds that one item may take; not watched when `jobs` is 1.
    """
    if jobs == 1:
        yield from (_attempt(function, item) for item in items)
        return
    with _processes(jobs) as pool:
        yield from _in_order(pool, function, iter(items), jobs, timeout_s)


class Pool(Generic[Item, Result]):
    """Processes that work on what is handed in, while this process does other things.

    A context manager: the processes start with the first item and end with the block.
    """

    def __init__(self, function: Callable[[Item], Result], *, jobs: int, timeout_s: float) -> None:
        """Make the pool.

        Args:
            function: importable by name, as are its items and results.
            jobs: processes; with 0 this process does the work, when an item is handed in.
            timeout_s: seconds that one item may take; not watched when `jobs` is 0.
        """
        self._function = function
        self._jobs = jobs
        self._timeout_s = timeout_s
        self._stack = ExitStack()
        self._pool: ProcessPool | None = None

    def __enter__(self) -> "Pool[Item, Result]":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        self._pool = None

    def submit(self, item: Item) -> Callable[[], Result]:
        """Hand in an item; calling what this returns waits for its result.

        The call raises what `function` raised, ToolTimeoutError, or ToolError where the process
        died.

        Raises:
            ToolError: the processes died before.
        """
        if self._jobs == 0:
            return partial(_unwrapped, _attempt(self._function, item))
        if self._pool is None:
            self._pool = self._stack.enter_context(_processes(self._jobs))
        future = _schedule(self._pool, self._function, item, self._timeout_s)
        return lambda: _unwrapped(_outcome(item, future, self._timeout_s))


@contextmanager
def _processes(jobs: int) -> Iterator["ProcessPool"]:
    from pebble import ProcessPool

    share_cores(jobs)
    pool = ProcessPool(max_workers=jobs, context=get_context("spawn"), initializer=_start)
    try:
        yield pool
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _unwrapped(outcome: Outcome[Item, Result]) -> Result:
    if outcome.error is not None:
        raise outcome.error
    return cast(Result, outcome.result)


def _in_order(
    pool: "ProcessPool",
    function: Callable[[Item], Result],
    items: Iterator[Item],
    jobs: int,
    timeout_s: float,
) -> Iterator[Outcome[Item, Result]]:
    waiting: deque[tuple[Item, ProcessFuture[Any]]] = deque()
    while True:
        for item in islice(items, jobs * _AHEAD - len(waiting)):
            waiting.append((item, _schedule(pool, function, item, timeout_s)))
        if not waiting:
            return
        item, future = waiting.popleft()
        yield _outcome(item, future, timeout_s)


def _schedule(
    pool: "ProcessPool", function: Callable[[Item], Result], item: Item, timeout_s: float
) -> "ProcessFuture[Any]":
    try:
        return pool.schedule(function, args=[item], timeout=timeout_s)
    except RuntimeError as exc:  # pebble's, after a worker that died while it had nothing to do
        raise ToolError(f"the worker processes died: {exc}: run it again") from exc


def _attempt(function: Callable[[Item], Result], item: Item) -> Outcome[Item, Result]:
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


def _start() -> None:
    tools.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
