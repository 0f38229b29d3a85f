"""Making, proving, restoring and pruning, on a real server. Spec: S19.1, S19.2, S1.18."""

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from instainstru.database import pending, stamp, status, tiers
from instainstru.database.backups import jobs, keys, making, proving, restoring, shelf, switching
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role
from tests.database.backups.conftest import KEY, Names
from tests.database.conftest import Connect, Decide, UrlOf

pytestmark = [pytest.mark.S19, pytest.mark.S1]

USERS = "SELECT count(*), count(DISTINCT name) FROM accounts_user"


@pytest.fixture
def made(shop: str, folder: Path) -> Manifest:
    return jobs.make("t", KEY)


def users(connect: Connect, name: str) -> object:
    with connect(name) as connection:
        return connection.execute(USERS).fetchone()


def test_a_backup_is_sealed_described_and_for_our_eyes_alone(made: Manifest, folder: Path) -> None:
    assert (made.tier, made.tables["accounts_user"][0], made.row_count) == ("stg", "600", 602)
    assert made.migrations == ["catalog.0001_catalogue"]
    assert made.server_version // 10_000 == 18
    archive = (folder / f"{made.name}.sealed").read_bytes()
    assert b"Marker" not in archive
    assert b"PGDMP" not in archive
    assert "Marker" not in (folder / f"{made.name}.json").read_text()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_comes_back_as_it_was_in_a_new_database_that_nobody_may_use(
    made: Manifest, shop: str, connect: Connect, databases: Names
) -> None:
    """S19.2, S1.9: rows, kinds of columns, triggers, rights; and the stamp of a copy."""
    name = f"{shop}_copy"
    before = databases()
    try:
        assert switching.restore(tiers.decision(), made.name, KEY, database=name) == name
        assert users(connect, name) == (600, 600)
        with connect(name) as connection:
            restoring.require_equal(connection, made)
            with pytest.raises(stamp.StampError, match="copy of a stg database"):
                stamp.effective_tier(stamp.read_evidence(connection))
        with connect(name, Role.APP) as connection:
            connection.execute("UPDATE accounts_user SET name = 'x' WHERE id = 1")
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute("DELETE FROM accounts_user WHERE id = 1")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("TRUNCATE accounts_user")
        with pytest.raises(BackupError, match="already"):
            switching.restore(tiers.decision(), made.name, KEY, database=name)
        assert users(connect, shop) == (600, 600)
        assert databases() == sorted([*before, name])
    finally:
        with connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_the_live_database_is_replaced_in_one_step_and_protected_again(
    made: Manifest, shop: str, connect: Connect, databases: Names
) -> None:
    """S19.2: sessions end, the brakes and the stamp are back, nothing is left over."""
    before = databases()
    with connect(shop) as bystander, connect(shop, Role.APP) as connection:
        connection.execute("INSERT INTO accounts_user (name) VALUES ('later')")
        assert switching.restore(tiers.decision(), made.name, KEY, database=None) == shop
        with pytest.raises(psycopg.OperationalError):
            bystander.execute("SELECT 1")
    assert users(connect, shop) == (600, 600)
    assert databases() == before
    with connect(shop) as connection:
        assert stamp.effective_tier(stamp.read_evidence(connection)) is tiers.Tier.STG
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with connect(shop, Role.MIGRATOR) as connection, refused:
        connection.execute("DROP TABLE accounts_user")


def test_a_failure_on_the_way_leaves_the_live_database_open(
    made: Manifest, shop: str, connect: Connect, databases: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = databases()
    on = switching._on

    def broken(server: stamp.Connection, statement: str, name: str, *more: object) -> None:
        if "RENAME" in statement and name != shop:
            raise psycopg.OperationalError("the server went away")
        on(server, statement, name, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(switching, "_on", broken)
    with pytest.raises(psycopg.OperationalError):
        switching.restore(tiers.decision(), made.name, KEY, database=None)
    assert users(connect, shop) == (600, 600)
    assert databases() == before


def test_another_tiers_backup_replaces_int_alone_and_is_refused_until_its_people_are_replaced(
    made: Manifest, decide: Decide, url_of: UrlOf, shop: str, connect: Connect
) -> None:
    """S1.9: such a database stays a copy."""
    with connect() as connection:
        connection.execute(f'CREATE DATABASE "{shop}_int"')
    urls = {f"INT_{role.suffix}": url_of(f"{shop}_int", role) for role in Role}
    try:
        switching.restore(decide(urls), made.name, KEY, database=None)
        with connect(f"{shop}_int") as connection:
            evidence = stamp.read_evidence(connection)
        with pytest.raises(stamp.StampError, match="copy"):
            stamp.effective_tier(evidence)
    finally:
        with connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{shop}_int" WITH (FORCE)')
    prod = {tiers.P: "1", tiers.U: "1"}
    prod |= {f"PROD_{role.suffix}": url_of(shop, role) for role in Role}
    with pytest.raises(BackupError, match="does not replace"):
        switching.restore(decide(prod), made.name, KEY, database=None)
    with pytest.raises(TierRefusedError, match="PROD_ADMIN_DATABASE_URL"):
        del prod["PROD_ADMIN_DATABASE_URL"]
        switching.restore(decide(prod), made.name, KEY, database="elsewhere")


# --- what is not whole, not ours or does not fit -------------------------------------------------
def spoil_archive(folder: Path, made: Manifest) -> None:
    path = folder / f"{made.name}.sealed"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_archive(folder: Path, made: Manifest) -> None:
    path = folder / f"{made.name}.sealed"
    path.write_bytes(path.read_bytes()[:-100])


def lose_archive(folder: Path, made: Manifest) -> None:
    (folder / f"{made.name}.sealed").unlink()


def change_manifest(folder: Path, made: Manifest, **values: object) -> None:
    path = folder / f"{made.name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def claim_fewer_rows(folder: Path, made: Manifest) -> None:
    change_manifest(folder, made, tables={"accounts_user": ["599", "0"]})


def claim_another_format(folder: Path, made: Manifest) -> None:
    change_manifest(folder, made, format=2)


def claim_another_server(folder: Path, made: Manifest) -> None:
    shelf.put(Manifest(**{**json_of(folder, made), "server_version": 170004}), KEY)


def claim_a_newer_release(folder: Path, made: Manifest) -> None:
    migrations = [*made.migrations, "catalog.9999_future"]
    shelf.put(Manifest(**{**json_of(folder, made), "migrations": migrations}), KEY)


def sign_with_another_key(folder: Path, made: Manifest) -> None:
    shelf.put(made, "other" * 10)


def json_of(folder: Path, made: Manifest) -> dict[str, object]:
    values = json.loads((folder / f"{made.name}.json").read_text())
    del values["signature"]
    return values


SPOILERS = (
    spoil_archive,
    cut_archive,
    lose_archive,
    claim_fewer_rows,
    claim_another_format,
    claim_another_server,
    claim_a_newer_release,
    sign_with_another_key,
)


def test_nothing_is_written_for_a_backup_that_is_not_whole_or_does_not_fit(
    made: Manifest, folder: Path, shop: str, databases: Names
) -> None:
    """S19.2: exit 1 before anything is written."""
    before, whole = databases(), {path: path.read_bytes() for path in folder.iterdir()}
    for spoil in SPOILERS:
        spoil(folder, made)
        with pytest.raises(CommandError) as refusal:
            call_command("backup", "restore", made.name, database=f"{shop}_copy")
        assert refusal.value.returncode == 1, spoil
        assert databases() == before, spoil
        for path, data in whole.items():
            path.write_bytes(data)


def test_a_dump_that_lies_about_its_rows_is_dropped_again(
    made: Manifest, folder: Path, shop: str, databases: Names
) -> None:
    """What was restored is held against the snapshot before anybody can use it."""
    shelf.put(Manifest(**{**json_of(folder, made), "tables": {"accounts_user": ["599", "0"]}}), KEY)
    before = databases()
    with pytest.raises(BackupError, match="differs from the snapshot: accounts_user"):
        switching.restore(tiers.decision(), made.name, KEY, database=f"{shop}_copy")
    assert databases() == before


def test_without_a_key_nothing_is_made(shop: str, folder: Path, settings: Settings) -> None:
    for key in ("", "short"):
        settings.BACKUP_KEY = key
        with pytest.raises(CommandError, match="BACKUP_KEY"):
            call_command("backup", "create")
    assert not list(folder.glob("*.json"))


def test_an_embedded_test_tier_has_a_key_for_its_automatic_backups(
    decide: Decide, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_KEY, settings.VAR_DIR = "", tmp_path
    decide({tiers.S: "1"})
    assert keys.key_for_automatic_backup() == keys.key_for_automatic_backup()
    assert (tmp_path / keys.FILE).stat().st_mode & 0o777 == 0o600
    decide({tiers.S: "1", "STG_DATABASE_URL": "postgresql://a@nowhere.invalid/shop"})
    with pytest.raises(BackupError, match="BACKUP_KEY"):
        keys.key_for_automatic_backup()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the kernel refuse longer files, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_older_backups_as_they_are(made: Manifest, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with files_of_at_most(2000), pytest.raises(BackupError, match="could not be written"):
        jobs.make("t", KEY)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_failing_dump_leaves_nothing(
    shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "client_program", lambda _: "/bin/false")
    with pytest.raises(BackupError, match="pg_dump failed"):
        jobs.make("t", KEY)
    assert not list(folder.iterdir())


def test_two_at_once_take_turns(made: Manifest) -> None:
    with shelf.locked(), pytest.raises(CommandError, match="another process"):
        call_command("backup", "create")


def test_pruning_also_removes_what_killed_runs_left(made: Manifest, folder: Path) -> None:
    (folder / "stg-1.sealed").write_text("no manifest")
    (folder / "stg-2.partial").write_text("half")
    with shelf.locked():
        assert jobs.prune() == ["stg-1.sealed", "stg-2.partial"]
    assert {path.suffix for path in folder.iterdir() if path.name != ".lock"} == {
        ".json", ".sealed",
    }  # fmt: skip


def test_the_proof_restores_elsewhere_and_marks_the_backup(
    made: Manifest, shop: str, databases: Names, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path, settings: Settings,
) -> None:  # fmt: skip
    """S19.2: on a server of its own, which is gone afterwards; the report shows it."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(proving, "_run_checks", lambda _: None)
    before = databases()
    proved = proving.prove(made.name, KEY)
    assert proved.verified is not None
    assert shelf.find(made.name, KEY) == proved
    assert databases() == before
    assert list((tmp_path / "scratch").iterdir()) == []
    seen = status.Status(tier_wanted="stg", is_embedded=False, mode="")
    status._read_backups(seen)
    assert (seen.last_backup, seen.last_verified_restore) == (made.created_at, proved.verified_at)


def test_a_proof_that_fails_marks_nothing(
    made: Manifest, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    settings: Settings,
) -> None:  # fmt: skip
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(proving, "CHECKS", (("check_invariants", "--no-such-option"),))
    with pytest.raises(BackupError, match="check_invariants failed on the restored data"):
        proving.prove(made.name, KEY)
    assert not shelf.find(made.name, KEY).verified_at
    assert list((tmp_path / "scratch").iterdir()) == []


# --- before a migration --------------------------------------------------------------------------
BEFORE: list[tuple[dict[str, object], bool, bool, bool]] = [
    # options of migrate, has history, has something pending -> is backed up
    ({}, True, False, False),
    ({}, False, True, False),
    ({"plan": True}, True, True, False),
    ({"check_unapplied": True}, True, True, False),
    ({}, True, True, True),
    ({"app_label": "catalog", "migration_name": "0001"}, True, False, True),
]


def test_a_backup_comes_before_a_migration_that_has_something_to_do(
    shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S19.1, 01 section 4."""
    for options, history, is_pending, is_made in BEFORE:
        found = ["a.0002"] if is_pending else []
        monkeypatch.setattr(pending, "has_history", lambda answer=history: answer)
        monkeypatch.setattr(pending, "pending_migrations", lambda answer=found: answer)
        made = jobs.back_up_before("migrate", options)
        assert (made is not None) is is_made, options
        assert [item.name for item in shelf.backups("stg")] == ([made.name] if made else [])


def test_int_is_migrated_without_a_backup(decide: Decide, folder: Path) -> None:
    decide({})
    assert jobs.back_up_before("migrate", {}) is None


def test_other_commands_need_none(decide: Decide) -> None:
    decide({tiers.S: "1"})
    assert jobs.back_up_before("createcachetable", {}) is None


def test_no_backup_no_migration(
    decide: Decide, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide({tiers.S: "1", "STG_DATABASE_URL": "postgresql://a@nowhere.invalid/shop"})
    monkeypatch.setattr(pending, "has_history", lambda: True)
    monkeypatch.setattr(pending, "pending_migrations", lambda: ["a.0002"])
    settings.BACKUP_KEY = ""
    from instainstru.database import commands

    with pytest.raises(CommandError, match="migrate did not run: BACKUP_KEY"):
        commands._back_up_before("migrate", {})


def test_the_list_shows_tiers_and_proofs(
    made: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("backup", "list", json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["row_count"], shown["verified_at"]) == (made.name, 602, "")
