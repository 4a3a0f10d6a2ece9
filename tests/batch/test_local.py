"""The pool: order, crashes, hangs, and what is left when it ends."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neurocodec.batch.engines.local import Local
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from tests.test_tools import is_alive, wait_for_content

LOG = logging.getLogger("neurocodec")


def work(item: str) -> str:
    """Do as the item says."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "log":
        LOG.info("a program runs")
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
    with Local(jobs, timeout_s) as engine:
        return list(engine.map(work, items))


@pytest.mark.parametrize("jobs", [0, 2])
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

    with Local(jobs=2) as engine:
        next(engine.map(work, items()))
    assert len(taken) < 100


def test_heavy_items_are_read_one_by_one():
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield str(number)

    with Local(jobs=2) as engine:
        next(engine.map(work, items(), weight=lambda item: 1 << 27))
    assert len(taken) == 2


@pytest.mark.parametrize("wait_s", [0, 1])
def test_a_worker_that_dies_with_nothing_to_do_is_said(wait_s):
    with Local(jobs=1) as engine:
        os.kill(int(engine.submit(work, "pid")()), signal.SIGKILL)
        time.sleep(wait_s)
        with pytest.raises(ToolError, match="died"):
            engine.submit(work, "a")()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, number):
    file = tmp_path / "pid"
    code = (
        "from neurocodec.batch.engines.local import Local\n"
        "from tests.batch.test_local import work\n"
        "with Local(2) as engine:\n"
        f"    list(engine.map(work, ['pid {file}', 'a']))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=Path(__file__).parent.parent
    )
    pid = int(wait_for_content(file))
    parent.send_signal(number)
    parent.wait(timeout=30)
    assert not is_alive(pid)


def test_workers_say_as_much_as_their_parent(capfd):
    before = LOG.level
    try:
        for level in (logging.WARNING, logging.INFO):
            LOG.setLevel(level)
            outcomes(["log"], 1)
            assert ("a program runs" in capfd.readouterr().err) == (level == logging.INFO)
    finally:
        LOG.setLevel(before)
