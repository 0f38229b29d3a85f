import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from instainstru.database import tiers
from instainstru.database.refusals import TierRefusedError
from instainstru.database.tiers import CI_ADDRESS, CI_FLAGS, Mode, P, S, Tier, U

pytestmark = pytest.mark.S1

ROOT = Path(__file__).resolve().parents[2]
PROD_URL = "postgresql://app:pw@db.example/shop"
ASKED = ("true", "1", "TRUE", " True ")
NOT_ASKED = (None, "", "false", "0", "False")
UNPARSABLE = ("yes", "on", "2", "tru", "null", "-")
SWITCH = [
    *((text, True) for text in ASKED),
    *((text, False) for text in NOT_ASKED),
    *((text, None) for text in UNPARSABLE),
]
CI_CASES: list[tuple[dict[str, str], bool]] = [
    ({}, False),
    ({"CI": "false", "GITHUB_ACTIONS": "0", "TF_BUILD": "", CI_ADDRESS: ""}, False),
    *(({name: "true"}, True) for name in CI_FLAGS),
    ({"CI": "woodpecker"}, True),
    ({CI_ADDRESS: "https://ci.example/"}, True),
]


def expected(
    production: bool, use_prod: bool, is_ci: bool, use_stg: bool, is_terminal: bool
) -> tuple[Tier, Mode] | None:
    """The rows of the specification's table, written out; None is a refusal."""
    match (production, use_prod, is_ci, use_stg, is_terminal):
        case (_, True, _, True, _):
            return None
        case (False, False, _, False, _):
            return Tier.INT, Mode.READ_WRITE
        case (False, False, False, True, _):
            return Tier.STG, Mode.READ_WRITE
        case (True, True, False, False, _):
            return Tier.PROD, Mode.READ_WRITE
        case (False, True, False, False, True):
            return Tier.PROD, Mode.READ_ONLY
        case _:
            return None


def resolve(environ: dict[str, str], *, is_terminal: bool) -> tuple[Tier, Mode] | None:
    try:
        answer = tiers.resolve_tier(environ, is_terminal=is_terminal)
    except TierRefusedError:
        return None
    return answer.tier, answer.mode


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize(("ci", "is_ci"), CI_CASES)
def test_every_combination_of_switches_gives_the_row_of_the_table(
    ci: dict[str, str], is_ci: bool, is_terminal: bool
) -> None:
    """S1.1: the table is complete, unparsable values included."""
    for (p, prod), (u, use_prod), (s, stg) in itertools.product(SWITCH, repeat=3):
        given = {P: p, U: u, S: s}
        environ = ci | {name: text for name, text in given.items() if text is not None}
        environ["PROD_DATABASE_URL"] = PROD_URL
        if prod is None or use_prod is None or stg is None:
            wanted = None
        else:
            wanted = expected(prod, use_prod, is_ci, stg, is_terminal)
        assert resolve(environ, is_terminal=is_terminal) == wanted, environ


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({P: "true"}, [P, U]),
        ({U: "true", S: "true", P: "true"}, [U, S]),
        ({U: "true", S: "true"}, [U, S]),
        ({P: "maybe", S: "2"}, [P, S]),
        ({P: "1", U: "1"}, ["PROD_DATABASE_URL"]),
        ({U: "1"}, ["PROD_DATABASE_URL"]),
        ({S: "1", "GITHUB_ACTIONS": "true"}, [S, "GITHUB_ACTIONS"]),
        ({P: "1", U: "1", "CI": "true", "PROD_DATABASE_URL": PROD_URL}, [U, "CI"]),
    ],
)
def test_a_refusal_is_one_line_naming_the_variables(
    environ: dict[str, str], names: list[str]
) -> None:
    with pytest.raises(TierRefusedError) as refusal:
        tiers.resolve_tier(environ, is_terminal=True)
    assert all(name in refusal.value.reason for name in names)
    assert "\n" not in refusal.value.reason
    assert refusal.value.exit_code == 3


def test_prod_by_hand_needs_confirmation_and_prefers_the_read_only_role() -> None:
    """S1.2: U alone."""
    readonly = "postgresql://ii_readonly@db.example/shop"
    environ = {U: "1", "PROD_DATABASE_URL": PROD_URL, "PROD_READONLY_DATABASE_URL": readonly}
    answer = tiers.resolve_tier(environ, is_terminal=True)
    assert answer.needs_confirmation
    assert answer.url == readonly
    assert not tiers.resolve_tier({**environ, P: "1"}, is_terminal=True).needs_confirmation


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("postgresql://a@db.example/shop", "postgres://b:c@DB.example.:5432/shop"),
        ("postgresql://a@localhost/shop", "postgresql://b@127.0.0.1:5432/shop"),
        ("postgresql://a@[::1]/shop", "postgresql:///shop"),
        ("postgresql:///shop?host=/run/pg", "postgresql://u@%2Frun%2Fpg/shop?sslmode=disable"),
    ],
)
def test_two_tiers_may_not_name_one_database(first: str, second: str) -> None:
    """S1.7: whatever the spelling."""
    environ = {"INT_DATABASE_URL": first, "PROD_READONLY_DATABASE_URL": second}
    with pytest.raises(TierRefusedError, match="INT_DATABASE_URL and PROD_READONLY_DATABASE_URL"):
        tiers.resolve_tier(environ, is_terminal=True)


def test_one_server_may_hold_several_tiers() -> None:
    environ = {
        "INT_DATABASE_URL": "postgresql://a@db.example/one",
        "STG_DATABASE_URL": "postgresql://a@db.example/two",
    }
    assert tiers.resolve_tier(environ, is_terminal=False).url == environ["INT_DATABASE_URL"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a@one.example,two.example/shop",
        "postgresql://a@db.example/shop?host=/tmp",
        "postgresql:///shop?host=/tmp,/var",
        "postgresql:///shop?host=/a&host=/b",
        "postgresql://a@db.example/shop?hostaddr=10.0.0.1",
        "postgresql://a@db.example/shop?service=prod",
        "postgresql://a@db.example/shop?options=-csearch_path%3Dx",
        "postgresql://a@db.example/shop?dbname=other",
        "postgresql://a@db.example/shop?target_session_attrs=any",
        "postgresql://a@db.example/",
        "postgresql://a@db.example:port/shop",
        "mysql://a@db.example/shop",
        "host=db.example dbname=shop",
        "nonsense",
    ],
)
def test_a_url_that_could_aim_elsewhere_is_refused(url: str) -> None:
    """S1.4: several hosts, services, options."""
    with pytest.raises(TierRefusedError, match="INT_DATABASE_URL"):
        tiers.resolve_tier({"INT_DATABASE_URL": url}, is_terminal=True)


def test_ignored_and_retired_names_select_nothing_and_warn_once() -> None:
    """S1.4: DATABASE_URL and USE_TEST_DATABASE."""
    environ = {"DATABASE_URL": PROD_URL, "USE_TEST_DATABASE": "true"}
    answer = tiers.resolve_tier(environ, is_terminal=True)
    assert answer.tier is Tier.INT
    assert answer.is_embedded
    assert len(answer.warnings) == 2


def test_the_retired_name_occurs_only_in_the_list_of_retired_names() -> None:
    """S1.4."""
    own = [
        path
        for app in ("instainstru", "accounts", "catalog", "bookings", "search")
        for path in ROOT.glob(f"{app}/**/*.py")
    ]
    users = [path.name for path in own if "USE_TEST_DATABASE" in path.read_text()]
    assert users == ["tiers.py"]


def test_passwords_do_not_show_in_a_decision() -> None:
    answer = tiers.resolve_tier({"INT_DATABASE_URL": "postgresql://a:hush@h/x"}, is_terminal=True)
    assert "hush" not in repr(answer)


def test_the_environment_loses_other_tiers_and_whatever_aims_libpq() -> None:
    """S1.4: children inherit neither."""
    gone = {
        "PROD_DATABASE_URL": PROD_URL,
        "STG_READONLY_DATABASE_URL": "postgresql://a@h/s",
        "STG_VALKEY_URL": "redis://h",
        "PROD_REPLICA_URLS": PROD_URL,
        "PGHOST": "db.example",
        "PGHOSTADDR": "10.0.0.1",
        "PGPORT": "1",
        "PGDATABASE": "shop",
        "PGSERVICE": "prod",
        "PGSERVICEFILE": "/etc/pg_service.conf",
        "PGOPTIONS": "-c x=y",
        "PGTARGETSESSIONATTRS": "any",
    }
    kept = {S: "false", "INT_DATABASE_URL": "postgresql://a@h/i", "INT_VALKEY_URL": "redis://h"}
    environ = {**gone, **kept, "PATH": "/bin"}
    answer = tiers.resolve_tier(kept, is_terminal=False)
    assert set(tiers.clean_environment(answer, environ)) == set(gone)
    assert environ == {**kept, "PATH": "/bin"}


def test_children_decide_like_their_parent() -> None:
    """S1.4: cleaning keeps what the decision rested on."""
    given = {S: "true", "STG_DATABASE_URL": "postgresql://a@h/s", "PROD_DATABASE_URL": PROD_URL}
    answer = tiers.resolve_tier(given, is_terminal=False)
    tiers.clean_environment(answer, given)
    child = tiers.resolve_tier(given, is_terminal=False)
    assert (child.tier, child.url) == (Tier.STG, "postgresql://a@h/s")


def test_the_decision_is_frozen_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """S1.4: later changes of the environment change nothing."""
    before = tiers.decision()
    monkeypatch.setenv(S, "true")
    monkeypatch.setenv("INT_DATABASE_URL", PROD_URL)
    assert tiers.decision() is before
    with pytest.raises(AttributeError):
        before.tier = Tier.PROD  # type: ignore[misc]


def run_python(code: str, environ: dict[str, str], audit: Path) -> subprocess.CompletedProcess[str]:
    base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**base, "DATABASE_AUDIT_LOG": str(audit), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_refused_process_ends_with_code_3_and_one_line(audit_log: Path) -> None:
    """Section 1: exit code 3, one line, audited."""
    code = "from instainstru.database import tiers; tiers.decision(); print('went on')"
    done = run_python(code, {P: "true"}, audit_log)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"Refused: {P} is set without {U}"]
    assert '"result":"denied"' in audit_log.read_text()


def test_without_a_terminal_prod_by_hand_is_refused(audit_log: Path) -> None:
    """S1.2: a pipe or cron is no person."""
    code = "from instainstru.database import tiers; tiers.decision()"
    done = run_python(code, {U: "true", "PROD_DATABASE_URL": PROD_URL}, audit_log)
    assert done.returncode == 3


def test_deciding_imports_nothing_from_django(audit_log: Path) -> None:
    code = (
        "import sys; from instainstru.database import tiers; tiers.decision();"
        "print([name for name in sys.modules if name.split('.')[0] == 'django'])"
    )
    assert run_python(code, {}, audit_log).stdout == "[]\n"
