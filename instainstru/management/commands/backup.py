"""Make, list, prove, restore and prune backups of the database."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instainstru.database import tiers
from instainstru.database.backups import jobs, keys, proving, shelf, switching
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest


class Command(BaseCommand):
    """Needs `BACKUP_KEY`, except to list; exit 1 for what is not whole, not ours or does not fit.

    Spec: S19.1, S19.2
    """

    help = "Make, list, prove, restore and prune backups of the database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("create", help="write a backup")
        shown = actions.add_parser("list", help="show the backups")
        shown.add_argument("--json", action="store_true", help="print one JSON object per line")
        proved = actions.add_parser("verify", help="restore on a scratch server and compare")
        proved.add_argument("name", nargs="?", help="default: this tier's newest")
        restored = actions.add_parser("restore", help="put a backup into a database")
        restored.add_argument("name")
        restored.add_argument(
            "--database", help="into a new database of this name; default: in place of the live one"
        )
        actions.add_parser("prune", help="delete what need not be kept")

    def handle(self, *_args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            getattr(self, f"_{options['action']}")(options)
        except BackupError as error:
            raise CommandError(error.message) from error
        if options["action"] not in {"list", "prune"}:
            self.stdout.write(f"done in {time.monotonic() - started:.1f} s")

    def _create(self, _options: Any) -> None:
        with shelf.locked():
            made = jobs.make("by hand", keys.backup_key())
        self.stdout.write(_line(made))

    def _list(self, options: Any) -> None:
        for item in shelf.backups():
            shown = {name: getattr(item, name) for name in SHOWN}
            self.stdout.write(json.dumps(shown) if options["json"] else _line(item))

    def _verify(self, options: Any) -> None:
        key = keys.backup_key()
        with shelf.locked():
            proved = proving.prove(options.get("name") or jobs.newest().name, key)
        self.stdout.write(f"{_line(proved)}: rows, checksums and money are as they were")

    def _restore(self, options: Any) -> None:
        decision = tiers.decision()
        name, database = options["name"], options.get("database")
        held = switching.restore(decision, name, keys.backup_key(), database=database)
        self.stdout.write(f"{name} is restored as database {held}")
        if database or not name.startswith(decision.tier):
            self.stdout.write("nobody can use it before db_protect --restamp")
        else:
            self.stdout.write("run migrate and db_protect --verify")

    def _prune(self, _options: Any) -> None:
        with shelf.locked():
            for name in jobs.prune():
                self.stdout.write(f"deleted {name}")


SHOWN = (
    "name", "tier", "database", "created_at", "verified_at", "reason", "git_sha", "server_version",
    "schema_version", "size", "row_count",
)  # fmt: skip


def _line(item: Manifest) -> str:
    proved = f"verified {item.verified_at}" if item.verified_at else "not verified"
    megabytes = item.size / 1_000_000
    return f"{item.name}  {megabytes:,.1f} MB  {item.row_count:,} rows  {proved}  {item.reason}"
