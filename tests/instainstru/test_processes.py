"""The processes of `manage.py up`. Spec: 12 section 1, S16.4."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from instainstru import processes
from instainstru.processes import Process, ProcessEndedError, ProcessGroup

Lines = list[tuple[str, str]]
FOREVER = "echo up; while :; do sleep 1; done"


def group_of(lines: Lines, *scripts: str) -> ProcessGroup:
    parts = [
        Process(f"p{number}", ["sh", "-c", script], {"PATH": os.environ["PATH"]})
        for number, script in enumerate(scripts)
    ]
    return ProcessGroup(parts, lambda name, line: lines.append((name, line)))


def tick_until(group: ProcessGroup, look: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        group.tick(0.05)


def pid_of(process: Process) -> int:
    assert process.child is not None
    return process.child.pid


def test_lines_arrive_with_the_name_of_their_process() -> None:
    lines: Lines = []
    group = group_of(lines, FOREVER, f"echo 'two words' >&2; {FOREVER}")
    group.start()
    group.declare_ready()

    tick_until(group, lambda: len(lines) == 3)

    assert sorted(lines) == [("p0", "up"), ("p1", "two words"), ("p1", "up")]
    group.stop()


def test_only_the_first_process_runs_before_the_group_is_ready() -> None:
    lines: Lines = []
    group = group_of(lines, FOREVER, FOREVER)
    group.start()

    tick_until(group, lambda: lines)

    assert not group.processes[1].is_running
    group.stop()


def test_a_first_process_that_ends_before_it_is_ready_ends_all() -> None:
    group = group_of([], "exit 7")
    group.start()

    with pytest.raises(ProcessEndedError, match="p0 ended with code 7"):
        tick_until(group, lambda: False)

    group.stop()


def test_a_process_that_is_killed_later_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_WAIT_SECONDS", 0.05)
    lines: Lines = []
    group = group_of(lines, FOREVER, FOREVER)
    group.start()
    group.declare_ready()
    tick_until(group, lambda: lines.count(("p1", "up")) == 1)
    before = pid_of(group.processes[1])

    os.kill(before, signal.SIGKILL)

    tick_until(group, lambda: lines.count(("p1", "up")) == 2)
    assert pid_of(group.processes[1]) != before
    assert any("starting again" in line for name, line in lines if name == "p1")
    group.stop()


def test_a_first_process_that_keeps_ending_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_WAIT_SECONDS", 0.01)
    group = group_of([], "exit 1", FOREVER)
    group.start()
    group.declare_ready()

    with pytest.raises(ProcessEndedError, match="p0 ended with code 1"):
        tick_until(group, lambda: False)

    assert len(group.processes[0].ends) == processes.MOST_RESTARTS + 1
    group.stop()


def test_a_worker_that_cannot_start_is_tried_for_ever_while_the_site_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S16.5: beat ends at every start while the database is away."""
    monkeypatch.setattr(processes, "LONGEST_WAIT_SECONDS", 0.01)
    lines: Lines = []
    group = group_of(lines, FOREVER, "exit 1")
    group.start()
    group.declare_ready()

    tick_until(group, lambda: len(group.processes[1].ends) > 2 * processes.MOST_RESTARTS)

    assert group.processes[0].is_running
    group.stop()


def test_a_process_that_will_not_end_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.3)
    lines: Lines = []
    group = group_of(lines, "trap '' TERM; sleep 600 & echo $!; wait; wait")
    group.start()
    tick_until(group, lambda: lines)
    grandchild = int(lines[0][1])

    group.stop()

    assert any(line.startswith("killed") for _, line in lines)
    # The signal is sent; the kernel ends the process as soon as it is next scheduled.
    deadline = time.monotonic() + 10
    while not is_gone(grandchild) and time.monotonic() < deadline:
        os.sched_yield()
    assert is_gone(grandchild)


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return state.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent-death signal")
def test_a_killed_parent_leaves_no_process_behind() -> None:
    script = (
        "from instainstru.processes import *\n"
        "p = Process('p', ['sleep', '600'], {'PATH': '/usr/bin:/bin'})\n"
        "p.start(); print(p.child.pid, flush=True); p.child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        descriptor = os.pidfd_open(child)

        parent.kill()

    assert select.select([descriptor], [], [], 10)[0], "the child is still there"
    os.close(descriptor)
