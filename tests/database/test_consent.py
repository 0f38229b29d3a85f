import os
import pty
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from instainstru.database import audit, tiers
from tests.database.conftest import MakeDatabase

pytestmark = pytest.mark.S1

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
SCRIPT = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT current_setting('transaction_read_only')")
    print("session read only:", cursor.fetchone()[0])
"""


class Outcome(NamedTuple):
    code: int
    text: str


@pytest.fixture
def at_terminal(
    audit_log: Path, make_database: MakeDatabase, url_of: Callable[[str], str]
) -> Callable[..., Outcome]:
    """Runs a script on a pseudo-terminal against a prod database and types an answer."""
    name = make_database("prod")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "instainstru.settings",
        "DATABASE_AUDIT_LOG": str(audit_log),
        "PROD_DATABASE_URL": url_of(name),
        "PROD_VALKEY_URL": "redis://nowhere.invalid/0",
        "SECRET_KEY": "x" * 60,
        "ALLOWED_HOSTS": "example.com",
        "SITE_URL": "https://example.com",
        tiers.U: "true",
    }

    def run(answer: bytes, *command: str) -> Outcome:
        words = command or (sys.executable, "-c", SCRIPT)
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            os.execvpe(words[0], words, environ)  # noqa: S606 - replaces the forked child
        return converse(child, terminal, answer.replace(b"NAME", name.encode()))

    return run


def converse(child: int, terminal: int, answer: bytes) -> Outcome:
    text, has_answered = b"", False
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        text += data
        if b"Type the name" in text and not has_answered:
            os.write(terminal, answer)
            has_answered = True
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return Outcome(os.waitstatus_to_exitcode(status), text.decode())


def test_the_typed_name_opens_a_read_only_session(
    at_terminal: Callable[..., Outcome], audit_log: Path
) -> None:
    """S1.2."""
    outcome = at_terminal(b"NAME\n")
    assert "session read only: on" in outcome.text
    assert outcome.code == 0
    results = [(line["action"], line["result"]) for line in audit.tail(9, audit_log)]
    assert ("consent", "confirmed") in results


@pytest.mark.parametrize(
    "answer", [b"wrong\n", b"\n", b"\x04", b"\x03", b"yes\n", b"NAME x\n"], ids=repr
)
def test_any_other_answer_ends_with_code_3_and_is_audited(
    answer: bytes, at_terminal: Callable[..., Outcome], audit_log: Path
) -> None:
    """S1.2: wrong, empty, end of input, Ctrl-C."""
    outcome = at_terminal(answer)
    assert "session read only" not in outcome.text
    assert outcome.code == 3
    assert "denied" in {line["result"] for line in audit.tail(2, audit_log)}


def test_yes_in_a_pipe_is_no_consent(at_terminal: Callable[..., Outcome]) -> None:
    """S1.2: even where a terminal exists."""
    pipe = f'yes "$0" | "{sys.executable}" -c "$1"'
    outcome = at_terminal(b"", "/bin/sh", "-c", pipe, "shop", SCRIPT)
    assert "session read only" not in outcome.text
    assert "Refused" in outcome.text
    assert outcome.code == 3
