"""Processor time of process trees and of the whole machine, and what the machine is (Linux)."""

import os
import platform
import subprocess
import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
IDLE_FIELDS: Final = (3, 4)
"""Idle and waiting for a disk, in the first line of /proc/stat."""
QUIET_CORES: Final = 0.35
LOOK_SECONDS: Final = 0.2


def tree_seconds(roots: Collection[int]) -> float:
    """Return the processor seconds of processes, their descendants, and all children reaped."""
    used: dict[int, float] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        children[int(fields[1])].append(pid)
        used[pid] = sum(map(int, fields[11:15])) / TICKS
    todo, total = list(roots), 0.0
    while todo:
        pid = todo.pop()
        total += used.get(pid, 0.0)
        todo += children[pid]
    return total


def busy_seconds() -> float:
    """Return the processor seconds that all cores together have worked since the start."""
    first = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    ticks = [int(field) for position, field in enumerate(first) if position not in IDLE_FIELDS]
    return sum(ticks) / TICKS


@dataclass(frozen=True)
class Watch:
    """Tells how many cores others keep busy; ``own`` are the roots of our process trees."""

    own: tuple[int, ...]

    def look(self) -> tuple[float, float]:
        """Return a moment and the processor seconds that others have used until then."""
        return time.monotonic(), busy_seconds() - tree_seconds(self.own)

    def cores_since(self, earlier: tuple[float, float]) -> float:
        """Return the cores that others used on average since an earlier look."""
        now, used = self.look()
        return max(0.0, (used - earlier[1]) / max(now - earlier[0], 1e-3))


def wait_until_idle(most_seconds: float) -> None:
    """Wait until nothing keeps the cores busy, or until the patience ends.

    What the last measurement left unanswered is still being worked on for a moment.
    """
    deadline = time.monotonic() + most_seconds
    while time.monotonic() < deadline:
        began, used = time.monotonic(), busy_seconds()
        time.sleep(LOOK_SECONDS)
        if busy_seconds() - used < QUIET_CORES * (time.monotonic() - began):
            return


def description() -> dict[str, Any]:
    """Return what a reader must know to compare figures: machine, versions, commit."""
    return {
        "processor": _first_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _first_of("/proc/meminfo", "MemTotal"),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "system": platform.system() + " " + platform.release().split("-")[0],
        "python": platform.python_version(),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "has_changes": bool(_git("status", "--porcelain")),
    }


def _first_of(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
