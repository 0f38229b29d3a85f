import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from instainstru.database import audit
from instainstru.database.refusals import TierRefusedError

pytestmark = pytest.mark.S1

ROOT = Path(__file__).resolve().parents[2]
FIELDS = (
    "ts tier_wanted tier_found action result reason user uid host pid argv cwd git_sha database"
    " prev_hash"
)
WRITER = """
import sys
from instainstru.database import audit
for number in range(int(sys.argv[1])):
    audit.record("decision", "allowed", tier_wanted="int", reason=f"number {number}")
    print(number, flush=True)
"""


def writer(count: int, path: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "DATABASE_AUDIT_LOG": str(path), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(count)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_line_holds_every_field_and_the_hash_of_the_line_before(audit_log: Path) -> None:
    """S1.21."""
    audit.record("one", "allowed", tier_wanted="int")
    audit.record("two", "denied", tier_wanted="int", tier_found="prod", database="shop")
    first, second = audit_log.read_bytes().splitlines()
    assert list(json.loads(second)) == FIELDS.split()
    assert json.loads(first)["prev_hash"] == "0" * 64
    assert json.loads(second)["prev_hash"] == hashlib.sha256(first).hexdigest()
    assert audit.verify(audit_log) == audit.Verdict(2, 0, None)


@pytest.mark.parametrize("tamper", ["change", "remove", "swap", "insert"])
def test_tampering_breaks_the_chain(audit_log: Path, tamper: str) -> None:
    """S1.22."""
    for number in range(5):
        audit.record(f"action {number}", "allowed")
    lines = audit_log.read_text().splitlines()
    if tamper == "change":
        lines[2] = lines[2].replace("action 2", "action 9")
    elif tamper == "remove":
        del lines[2]
    elif tamper == "swap":
        lines[2], lines[3] = lines[3], lines[2]
    else:
        lines.insert(2, lines[2])
    audit_log.write_text("\n".join(lines) + "\n")
    assert not audit.verify(audit_log).is_ok


def test_a_line_torn_by_a_crash_is_kept_and_the_chain_goes_on(audit_log: Path) -> None:
    audit.record("before", "allowed")
    with audit_log.open("ab") as file:
        file.write(b'{"ts":"2026-')
    audit.record("after", "allowed")
    assert audit.verify(audit_log) == audit.Verdict(2, 1, None)
    assert [line["action"] for line in audit.tail(5, audit_log)] == ["before", "after"]


def test_a_long_last_line_is_found_whole(audit_log: Path) -> None:
    audit.record("long", "allowed", reason="x" * 3 * audit.TAIL_BYTES)
    audit.record("next", "allowed")
    assert audit.verify(audit_log).is_ok


def test_a_long_text_is_searched_for_secrets_in_linear_time() -> None:
    """A command line may hold a whole script; nobody may wait minutes for its audit line."""
    started = time.process_time()
    for text in ("x" * 100_000, "a-" * 50_000, "key" * 30_000, "pass " * 20_000):
        audit.redact(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://app:hunter2@db.example/shop",
        "postgresql://app:un@safe/hunter2@db.example/shop",
        "password=hunter2",
        "PGPASSWORD='hunter2'",
        '{"api_key": "hunter2"}',
        "--password=hunter2",
        "token: hunter2",
        "sk_live_hunter2hunter2",
    ],
)
def test_credentials_never_appear(secret: str, audit_log: Path) -> None:
    """S1.21."""
    audit.record("test", "allowed", reason=f"before {secret} after")
    text = audit_log.read_text()
    assert "hunter2" not in text
    assert "before" in text


def test_the_value_after_a_secret_option_is_blanked() -> None:
    argv = ["manage.py", "tool", "--api-token", "hunter2", "--email", "a@example.com"]
    assert audit.redact_argv(argv) == "manage.py tool --api-token *** --email a@example.com"


@pytest.mark.parametrize("path", ["/dev/null", "/proc/nowhere/audit.jsonl"])
def test_an_unwritable_log_refuses_on_prod_and_only_warns_elsewhere(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.22; a device that swallows lines is no log."""
    monkeypatch.setattr(audit, "log_path", lambda: Path(path))
    audit.record("test", "allowed", tier_wanted="stg")
    with pytest.raises(TierRefusedError, match="DATABASE_AUDIT_LOG"):
        audit.record("test", "allowed", tier_wanted="prod")


def test_a_killed_process_loses_no_decision_that_it_acted_on(tmp_path: Path) -> None:
    """Section 7: what was printed was flushed before."""
    path = tmp_path / "killed.jsonl"
    process = writer(10_000, path)
    assert process.stdout is not None
    for _ in range(5):
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    acted = int(rest[-1]) if rest else last
    verdict = audit.verify(path)
    assert verdict.is_ok
    assert verdict.lines >= acted + 1


def test_a_line_is_on_the_disk_before_anything_acts_on_it(
    audit_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.22: a lost machine loses no more than a killed process."""
    flushed: list[str] = []
    monkeypatch.setattr(audit.os, "fsync", lambda _: flushed.append(audit_log.read_text()))
    audit.record("decide", "allowed", reason="whole")
    assert len(flushed) == 1
    assert flushed[0].endswith("}\n")
    assert "whole" in flushed[0]


@pytest.mark.slow
def test_twenty_processes_keep_one_chain(tmp_path: Path) -> None:
    """Section 7: 20 × 100 decisions, 2,000 valid lines."""
    path = tmp_path / "crowd.jsonl"
    crowd = [writer(100, path) for _ in range(20)]
    for process in crowd:
        process.communicate()
        assert process.returncode == 0
    assert audit.verify(path) == audit.Verdict(2000, 0, None)
