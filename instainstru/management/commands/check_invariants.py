"""Look for rows that break what must always hold (Spec: S16.6)."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from instainstru import invariants


class Command(BaseCommand):
    """Reads only; exit 0 for none, 1 with the violations listed."""

    help = "Check what must always hold in the data."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        found = invariants.violations()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for name, texts in found.items():
                self.stdout.write(f"{name}: {'; '.join(texts) or 'ok'}")
        if any(found.values()):
            sys.exit(1)
