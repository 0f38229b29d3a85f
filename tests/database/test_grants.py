import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from instainstru.database import audit, consent, grants, stamp, tiers
from instainstru.database.grants import GrantRefusedError, WriteGrant
from tests.database.conftest import Decide, MakeDatabase

pytestmark = pytest.mark.S1

Connect = Callable[..., stamp.Connection]
Give = Callable[..., WriteGrant]


@pytest.fixture
def name(make_database: MakeDatabase) -> str:
    return make_database("prod")


@pytest.fixture
def connection(name: str, connect: Connect) -> Iterator[stamp.Connection]:
    with connect(name) as found:
        yield found


@pytest.fixture
def give(
    name: str, connection: stamp.Connection, decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> Give:
    """Gives a grant as a person who answers rightly would."""
    decision = decide({tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"})

    def give(command: str = "clearsessions", *, destroys: bool = False, is_session: bool = False):
        answers = iter([name, "because", f"DESTROY {name}"])
        monkeypatch.setattr(consent, "ask", lambda _: next(answers))
        if destroys:
            return grants.give_destruction(decision, connection, command)
        return grants.give(decision, connection, command, is_session=is_session)

    return give


def test_a_grant_is_audited_with_its_reason(give: Give, name: str, audit_log: Path) -> None:
    """S1.17, S1.21."""
    assert give().reason == "because"
    line = audit.tail(1, audit_log)[0]
    assert (line["action"], line["result"], line["database"]) == ("grant", "confirmed", name)
    assert "because" in str(line["reason"])


@pytest.mark.parametrize("answers", [["wrong"], ["NAME", ""], [""], ["NAME "]])
def test_no_grant_without_name_and_reason(
    answers: list[str],
    name: str,
    connection: stamp.Connection,
    decide: Decide,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = iter([answer.replace("NAME", name) for answer in answers])
    monkeypatch.setattr(consent, "ask", lambda _: next(given))
    decision = decide({tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"})
    with pytest.raises(consent.ConsentRefusedError):
        grants.give(decision, connection, "clearsessions", is_session=False)


def test_a_grant_serves_once(give: Give) -> None:
    """S1.17: single use."""
    grant = give()
    with grants.redeemed(grant, "clearsessions"):
        assert grants.active() is grant
    assert grants.active() is None
    with (
        pytest.raises(GrantRefusedError, match="used before"),
        grants.redeemed(grant, "clearsessions"),
    ):
        pass


def test_a_grant_serves_one_command_line_in_one_process(
    give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.17: bound to the command line and the process."""
    grant = give()
    with pytest.raises(GrantRefusedError, match="another command"), grants.redeemed(grant, "flush"):
        pass
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["manage.py", "clearsessions", "--more"])
        with (
            pytest.raises(GrantRefusedError, match="another command"),
            grants.redeemed(grant, "clearsessions"),
        ):
            pass
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 1)
        with (
            pytest.raises(GrantRefusedError, match="another command"),
            grants.redeemed(grant, "clearsessions"),
        ):
            pass


def test_a_grant_ends_after_five_minutes(give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1.17."""
    grant, shell = give(), give("shell", is_session=True)
    assert 290 < grant.seconds_left <= grants.VALID_SECONDS == 300
    with grants.redeemed(shell, "shell"):
        grants.check_session()
        monkeypatch.setattr(grants.time, "monotonic", lambda: grant.deadline + 1)
        with pytest.raises(GrantRefusedError, match="ended"):
            grants.check_session()
    with pytest.raises(GrantRefusedError, match="ended"), grants.redeemed(grant, "clearsessions"):
        pass


def test_a_grant_opens_no_other_database(
    give: Give, make_database: MakeDatabase, connect: Connect
) -> None:
    """S1.17: bound to server and database."""
    with (
        grants.redeemed(give(), "clearsessions"),
        connect(make_database("prod")) as other,
        pytest.raises(GrantRefusedError, match="another database"),
    ):
        grants.check_connection(stamp.read_evidence(other))


def test_a_destruction_is_checked_inside_its_transaction(
    give: Give, connection: stamp.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.18: a fail-over, a restart or another stamp between prompt and action aborts it."""
    with grants.redeemed(give("flush", destroys=True), "flush"):
        with connection.transaction():
            grants.check_transaction(connection)
        with connection.transaction(force_rollback=True):
            connection.execute("UPDATE instainstru_guard.stamp SET tier = 'int'")
            with pytest.raises(GrantRefusedError, match="not the one that was confirmed"):
                grants.check_transaction(connection)
        for query in ("timeline_id + 1", "timeline_id"):
            moved = stamp.INSTANCE.replace("timeline_id", query, 1)
            moved = moved.replace("start_time()::text", "start_time()::text || 'x'")
            with monkeypatch.context() as patch:
                patch.setattr(stamp, "INSTANCE", moved)
                with pytest.raises(GrantRefusedError):
                    grants.check_transaction(connection)


def test_the_second_phrase_is_needed(
    give: Give, name: str, connection: stamp.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.18: rows are shown before it."""
    connection.execute("CREATE TABLE people AS SELECT 1 FROM generate_series(1, 1234)")
    asked: list[str] = []
    answers = iter([name, "because", "destroy everything"])

    def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr(consent, "ask", ask)
    with pytest.raises(consent.ConsentRefusedError, match="phrase"):
        grants.give_destruction(tiers.decision(), connection, "flush")
    assert "people: 1,234 rows" in asked[-1]
