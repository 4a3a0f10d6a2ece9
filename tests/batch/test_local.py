"""The pool: order, crashes, hangs, and what is left when it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neurocodec.batch.engines import local as workers
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from tests.test_tools import is_alive, wait_for_content


def work(item: str) -> str:
    """Do as the item says."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "pid":
        return str(os.getpid())
    if item == "hang":
        time.sleep(60)
    if item == "bad":
        raise BadInputError("bad: is bad")
    if item.startswith("pid "):
        Path(item[4:]).write_text(str(os.getpid()))
        time.sleep(60)
    return item.upper()


def outcomes(items, jobs, timeout_s=30.0):
    return list(workers.each(work, items, jobs=jobs, timeout_s=timeout_s))


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order_and_an_error_costs_only_its_item(jobs):
    items = [f"i{n}" for n in range(40)]
    items[7] = "bad"
    got = outcomes(items, jobs)
    assert [outcome.item for outcome in got] == items
    assert [outcome.result for outcome in got if not outcome.error] == [
        item.upper() for item in items if item != "bad"
    ]
    assert isinstance(got[7].error, BadInputError)
    assert str(got[7].error) == "bad: is bad"


def test_a_dying_worker_costs_only_its_item():
    got = outcomes(["a", "die", "b", "die", "c"], 2)
    assert [outcome.result for outcome in got] == ["A", None, "B", None, "C"]
    assert isinstance(got[1].error, ToolError)


def test_a_hanging_worker_is_stopped():
    start = time.monotonic()
    got = outcomes(["a", "hang", "b"], 2, timeout_s=2.0)
    assert [outcome.result for outcome in got] == ["A", None, "B"]
    assert isinstance(got[1].error, ToolTimeoutError)
    assert time.monotonic() - start < 30


def test_items_are_read_only_a_little_ahead():
    taken = []

    def items():
        for number in range(10_000):
            taken.append(number)
            yield str(number)

    stream = workers.each(work, items(), jobs=2, timeout_s=30)
    next(stream)
    stream.close()
    assert len(taken) < 100


@pytest.mark.parametrize("wait_s", [0, 1])
def test_a_worker_that_dies_with_nothing_to_do_is_said(wait_s):
    with workers.Pool(work, jobs=1, timeout_s=30.0) as pool:
        os.kill(int(pool.submit("pid")()), signal.SIGKILL)
        time.sleep(wait_s)
        with pytest.raises(ToolError, match="died"):
            pool.submit("a")()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, number):
    file = tmp_path / "pid"
    code = (
        "from neurocodec.batch.engines import local as workers\n"
        "from tests.batch.test_local import work\n"
        f"list(workers.each(work, ['pid {file}', 'a'], jobs=2, timeout_s=60))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=Path(__file__).parent.parent
    )
    pid = int(wait_for_content(file))
    parent.send_signal(number)
    parent.wait(timeout=30)
    assert not is_alive(pid)
