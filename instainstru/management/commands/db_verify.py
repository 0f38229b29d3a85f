"""Prove on the live server that nothing forbidden is possible; changes nothing."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from instainstru.database import tiers, verification


class Command(BaseCommand):
    """Try each forbidden statement as each role and roll it back; exit 0 or 1. Spec: S1.25."""

    help = "Try what each database role may not do, rolled back, and report."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        report = verification.verify(tiers.decision())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            for probe in report.probes:
                self.stdout.write(f"{probe.role:14}{probe.what:30}{probe.result}")
            for text in report.differences:
                self.stdout.write(f"missing: {text}")
            for text in report.skipped:
                self.stdout.write(f"not tried: {text}")
        if not report.is_ok:
            sys.exit(1)
