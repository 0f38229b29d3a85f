"""The floor app answers as the benchmark expects, or its ratios would mean nothing."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from psycopg import sql

from instainstru.database import maintenance, targets, tiers
from instainstru.database.roles import Role
from tests.bench.rows import floor_rows

pytestmark = pytest.mark.S18
ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.floor.settings"
import django
django.setup()
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
answers = []
for method, path, headers in json.loads(sys.argv[1]):
    with CaptureQueriesContext(connection) as queries:
        answer = Client(headers=headers).generic(method, path)
    page = answer.content.decode()
    facts = [answer.status_code, len(page), page.count("<article"), len(queries), page[-300:]]
    answers.append([*facts, "Flora Floor" in page])
print(json.dumps(answers))
"""


@pytest.fixture
def floor() -> Iterator[dict[str, str]]:
    """Name a database that the floor's own script then creates."""
    name = f"test_floor_{os.getpid()}_{secrets.token_hex(4)}"
    # The site's own role may not create databases; the floor has its own.
    decision = tiers.decision()
    admin = targets.role_location(decision, Role.ADMIN) or targets.location(decision)
    where = {
        "HOST": str(admin.host),
        "PORT": str(admin.port or ""),
        "USER": str(admin.user),
        "PASSWORD": str(admin.password or ""),
    }
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": name, **where}
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    database_name = maintenance.MAINTENANCE_DATABASE
    with maintenance.connect(decision, database_name, role=Role.ADMIN) as server:
        yield os.environ | {
            "FLOOR_DATABASE": json.dumps(database),
            "FLOOR_CACHE_URL": settings.CACHE_URL,
        }
        server.execute(drop)


def run(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    environment = environment | {"DJANGO_SETTINGS_MODULE": "tests.bench.floor.settings"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_floor_pages_answer_with_the_right_bytes(floor: dict[str, str]) -> None:
    """Early page = live home; the fragment is personal and reads two rows; the upsert is one."""
    session = json.loads(run(floor, "-m", "tests.bench.floor.prepare"))["session"]
    rows = {row.key: row.address for row in floor_rows(session)}
    asked = [(row.method, row.path, dict(row.headers)) for row in rows.values() if row]
    answers = json.loads(run(floor, "-c", ASK, json.dumps(asked)))
    found = dict(zip(rows, answers, strict=True))
    assert [answer[0] for answer in answers] == [row.status for row in rows.values() if row]
    assert found["live"][2] == found["floor-fragment"][2] == 60
    assert found["live"][3] == 5
    assert 35_000 < found["live"][1] < 39_000
    assert found["early"][:3] == found["live"][:3]
    assert found["early"][4] == found["live"][4]
    assert found["floor-304"][1] == 0
    assert (found["floor-bare"][4], found["floor-bare"][3]) == ("ok", 0)
    assert (found["floor-upsert"][4], found["floor-upsert"][3]) == ("noted", 1)
    assert [found[key][5] for key in ("floor-fragment", "live")] == [True, False]
