"""How a process asks for the embedded servers and lets go of them."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from instainstru.database.embedded.layout import (
    EmbeddedServers,
    EmbeddedServersError,
    Layout,
    addresses,
    layout_of,
    log_tail,
    read_state,
)
from instainstru.database.embedded.locks import (
    is_alive,
    open_lock,
    try_exclusive,
    try_shared,
    unlock,
    wait_exclusive,
)

ROOT: Final = Path(__file__).resolve().parents[3]
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 90.0
MOST_STARTS: Final = 3
POLL_SECONDS: Final = 0.05

Progress = Callable[[str], None]

_guard = threading.RLock()
_held: dict[Layout, int] = {}
"""Client locks of this process. A fork shares them: the servers live until the last copy goes."""


def ensure_running(
    tier: str, var_dir: Path, *, on_progress: Progress | None = None
) -> EmbeddedServers:
    """Return the addresses of a tier's servers, started if need be and answering.

    Registers this process as a client for its life. Cheap when they run already. `on_progress`
    hears each new step of a start. Raises EmbeddedServersError with the end of the log when the
    servers cannot start.
    """
    layout = layout_of(tier, var_dir)
    with _guard:
        _make_run_folder(layout)
        _hold(layout)
        _wait_until_ready(layout, on_progress or _ignore)
    return addresses(tier, var_dir)


def release(tier: str, var_dir: Path) -> None:
    """Let go of the servers; they stop when no other process holds on to them.

    Closes the descriptor only: unlocking would take the lock from forked children too.
    """
    with _guard:
        descriptor = _held.pop(layout_of(tier, var_dir), None)
        if descriptor is not None:
            os.close(descriptor)


def stop_and_wait(tier: str, var_dir: Path, *, seconds: float = STOP_SECONDS) -> bool:
    """Let go, and wait for the servers' clean end unless another process still uses them.

    Returns whether they are down.
    """
    layout = layout_of(tier, var_dir)
    release(tier, var_dir)
    if not layout.run.is_dir():
        return True
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _is_supervised(layout):
            return True
        if _has_clients(layout):
            return False
        layout.hurry.touch()
        time.sleep(POLL_SECONDS)
    return False


def remove_data(tier: str, var_dir: Path) -> list[Path]:
    """Delete a tier's embedded data after its servers stopped; return what was deleted.

    Raises EmbeddedServersError while another process uses them.
    """
    layout = layout_of(tier, var_dir)
    if not stop_and_wait(tier, var_dir):
        raise EmbeddedServersError(
            f"the {layout.tier.upper()} servers are in use; stop bin/run and other commands first"
        )
    _make_run_folder(layout)
    clients = wait_exclusive(layout.lock("clients"), 5)
    if clients is None:
        raise EmbeddedServersError("another process is starting the servers")
    try:
        links = (layout.postgres_data, layout.valkey_data)
        return [target for link in links if (target := _remove(link))]
    finally:
        os.close(clients)


def _remove(link: Path) -> Path | None:
    target = Path(os.path.realpath(link))
    if link.is_symlink():
        link.unlink()
    if not target.exists():
        return None
    shutil.rmtree(target)
    return target


def _make_run_folder(layout: Layout) -> None:
    try:
        layout.run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedServersError(f"{layout.run} cannot be made: {error.strerror}") from None


def _ignore(_step: str) -> None:
    return


def _hold(layout: Layout) -> None:
    if layout in _held:
        return
    descriptor = open_lock(layout.lock("clients"))
    deadline = time.monotonic() + STOP_SECONDS
    # A supervisor holds this lock alone while it stops its servers.
    while not try_shared(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise EmbeddedServersError(f"the servers do not finish stopping; see {layout.log}")
        time.sleep(POLL_SECONDS)
    _held[layout] = descriptor


def _wait_until_ready(layout: Layout, on_progress: Progress) -> None:
    deadline = time.monotonic() + START_SECONDS
    starts, last_step = 0, ""
    while time.monotonic() < deadline:
        starts += _start_supervisor(layout, starts)
        state = read_state(layout)
        if state.get("state") == "ready" and is_alive(int(state["pid"])) and _answer(layout):
            return
        if (step := str(state.get("step", ""))) and step != last_step:
            on_progress(step)
            last_step = step
        time.sleep(POLL_SECONDS)
    raise _start_error(layout, f"did not answer within {START_SECONDS:.0f} s")


def _start_supervisor(layout: Layout, starts: int) -> bool:
    """Start a supervisor unless one lives; whoever gets its lock hands the lock to it.

    `starts` counts the supervisors that this call chain has started before.
    """
    descriptor = open_lock(layout.lock("supervisor"))
    try:
        if not try_exclusive(descriptor):
            return False
        has_failed = read_state(layout).get("state") == "failed"
        if starts >= MOST_STARTS or (starts and has_failed):
            raise _start_error(layout, "could not be started")
        layout.state.unlink(missing_ok=True)
        layout.hurry.unlink(missing_ok=True)
        _spawn(layout, descriptor)
        return True
    finally:
        os.close(descriptor)


def _spawn(layout: Layout, lock: int) -> None:
    command = [sys.executable, "-P", "-m", "instainstru.database.embedded"]
    command += ["--var", str(layout.var), "--tier", layout.tier, "--lock", str(lock)]
    # The first child only forks the lasting one, so that no zombie stays with this process.
    subprocess.run(
        command,
        cwd="/",
        env=_environment(),
        pass_fds=(lock,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    """Return what the supervisor may see: no secrets, no other tier, nothing that aims libpq."""
    names = ("PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "LC_ALL": "C.UTF-8"}


def _is_supervised(layout: Layout) -> bool:
    descriptor = open_lock(layout.lock("supervisor"))
    try:
        if not try_exclusive(descriptor):
            return True
        unlock(descriptor)
        return False
    finally:
        os.close(descriptor)


def _has_clients(layout: Layout) -> bool:
    """Whether processes hold on to the servers; a supervisor that is stopping is not one."""
    descriptor = open_lock(layout.lock("clients"))
    try:
        return not try_exclusive(descriptor) and try_shared(descriptor)
    finally:
        os.close(descriptor)


def _answer(layout: Layout) -> bool:
    return all(_connects(path) for path in (layout.postgres_socket, layout.valkey_socket))


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def _start_error(layout: Layout, what: str) -> EmbeddedServersError:
    reason = read_state(layout).get("reason", "")
    parts = [f"the embedded {layout.tier.upper()} servers {what}", str(reason)]
    head = ": ".join(part for part in parts if part)
    return EmbeddedServersError(f"{head}\n--- {layout.log}\n{log_tail(layout)}")
