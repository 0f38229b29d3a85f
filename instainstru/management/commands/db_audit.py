"""Show the end of the database audit, or check its hash chain."""

import json
import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand

from instainstru.database import audit

LINES: Final = 20
COLUMNS: Final = ("ts", "tier_wanted", "tier_found", "result", "action", "user", "pid", "reason")


class Command(BaseCommand):
    """`tail` prints the last lines, `verify` exits 1 at the first broken one. Spec: S1.22."""

    help = "Show or verify the database audit log."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["tail", "verify"])
        parser.add_argument("--lines", type=int, default=LINES, help="how many lines tail shows")
        parser.add_argument("--json", action="store_true", help="print whole lines as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "tail":
            self._tail(max(options["lines"], 1), is_json=options["json"])
        else:
            self._verify()

    def _tail(self, count: int, *, is_json: bool) -> None:
        for line in audit.tail(count):
            text = json.dumps(line) if is_json else "  ".join(str(line.get(c, "")) for c in COLUMNS)
            self.stdout.write(text)

    def _verify(self) -> None:
        verdict = audit.verify()
        if verdict.is_ok:
            self.stdout.write(f"{verdict.lines} lines, chain whole, {verdict.torn} torn by a crash")
            return
        self.stdout.write(f"the chain is broken at line {verdict.broken_line}")
        sys.exit(1)
