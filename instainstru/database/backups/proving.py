"""Prove a backup: restore it on a server of its own, compare, ask the money. Spec: S19.2"""

import os
import secrets
import subprocess
import sys
from typing import Final

from django.conf import settings

from instainstru import clock
from instainstru.database import stamp, tiers
from instainstru.database.backups import restoring, shelf
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest
from instainstru.database.embedded import EmbeddedServersError
from instainstru.database.embedded.scratch import Scratch, scratch_server
from instainstru.database.pending import code_migrations
from instainstru.database.roles import Role

NAME: Final = "proof"
CHECKS: Final = (("migrate", "--verbosity", "0", "--skip-checks"), ("check_invariants",))


def prove(name: str, key: str) -> Manifest:
    """Restore a backup from first to last byte and return its manifest, marked as verified.

    The server is a scratch one from the server programs, on this host; it goes afterwards. Raises
    BackupError, and the mark stays as it was.
    """
    manifest = shelf.find(name, key)
    restoring.require_whole(manifest, key)
    try:
        with scratch_server(settings.VAR_DIR / "scratch") as server:
            _restore(server, manifest, key)
            _run_checks(server)
    except EmbeddedServersError as error:
        raise BackupError(f"the scratch server does not run: {error.message}") from error
    proved = manifest.proved(clock.now())
    shelf.put(proved, key)
    return proved


def _restore(server: Scratch, manifest: Manifest, key: str) -> None:
    with server.connect() as connection:
        version = connection.info.server_version
        restoring.require_fitting(manifest, version, code_migrations())
        connection.execute(f"CREATE DATABASE {NAME}")
    with server.connect(NAME) as connection:
        stamp.install_extensions(connection)
        stamp.stamp_database(connection, tiers.Tier.INT)
        restoring.fill(connection, manifest, key)
        restoring.require_equal(connection, manifest)


def _run_checks(server: Scratch) -> None:
    """Bring the restored schema up to the code's, and let the code judge what it holds.

    In processes of their own, since this one is bound to its tier.
    """
    environ = {
        name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
    }
    environ |= {f"INT_{role.suffix}": server.url(NAME, role.value) for role in Role}
    environ["INT_ADMIN_DATABASE_URL"] = server.url(NAME, "postgres")
    environ |= {
        "INT_VALKEY_URL": "redis://127.0.0.1:9/0",  # nothing here uses it
        "USE_STG_DATABASE": "false",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "VAR_DIR": str(server.folder),
        "DATABASE_AUDIT_LOG": str(server.folder / "audit.jsonl"),
    }
    for words in CHECKS:
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise BackupError(f"{words[0]} failed on the restored data: {''.join(last)}")
