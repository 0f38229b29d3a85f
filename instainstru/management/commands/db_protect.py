"""Install or verify what a database needs before a tier may use it: extensions and stamps."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from instainstru.database import protection, tiers


class Command(BaseCommand):
    """Stamp an unstamped INT or STG database on a server of your own. Spec: S1.16."""

    help = "Install or verify extensions and tier stamps (INT and STG; production is refused)."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verify", action="store_true", help="change nothing; exit 1 if bare")

    def handle(self, *_args: Any, **options: Any) -> None:
        decision = tiers.decision()
        if options["verify"]:
            missing = protection.verify(decision)
            self._write("missing", missing)
            sys.exit(1 if missing else 0)
        self._write("installed", protection.protect(decision))

    def _write(self, verb: str, items: list[protection.Difference]) -> None:
        for item in items:
            self.stdout.write(f"{verb}: {item.what}")
        if not items:
            self.stdout.write("nothing to change: extensions and stamps are in place")
