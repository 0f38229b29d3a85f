"""Show the tier that is wanted and found, the stamps, the server and the audit's health."""

import json
import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand

from instainstru.database import status, tiers

SHOWN_ITEMS: Final = 3


class Command(BaseCommand):
    """Report the state of database safety; exit 0 consistent, 1 differences, 3 refused."""

    help = "Show the database tier wanted and found, its stamps, server and audit."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        report = status.read_status(tiers.decision())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            self._write_table(report.as_dict())
        if report.exit_code:
            sys.exit(report.exit_code)

    def _write_table(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            self.stdout.write(f"{name.replace('_', ' '):24}{_shown(value)}")


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, text in value.items())
    if isinstance(value, list):
        rest = f" and {len(value) - SHOWN_ITEMS} more" if len(value) > SHOWN_ITEMS else ""
        return ", ".join(map(str, value[:SHOWN_ITEMS])) + rest
    return str(value)
