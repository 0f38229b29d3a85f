"""Install or verify what a database needs before a tier may use it: stamps, roles, brakes."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instainstru.database import protection, tiers
from instainstru.database.inspection import Difference, Findings


class Command(BaseCommand):
    """Without options: install with the admin URL. Spec: S1.16.

    `--verify` mends what the owner of the tables can and exits 1 if anything is still missing.
    """

    help = "Install or verify stamps, roles and brakes of this tier's database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--verify", action="store_true", help="deploy step: mend, else exit 1")
        way.add_argument(
            "--unlock",
            nargs="+",
            metavar="NAME",
            help="let the migrator pass the brakes once for a migration (app.name) or command",
        )
        way.add_argument(
            "--restamp", choices=[tier.value for tier in tiers.Tier], help="stamp a copy anew"
        )
        data = parser.add_mutually_exclusive_group()
        data.add_argument(
            "--recover", action="store_true", help="keep the data: production moved; with prod"
        )
        data.add_argument(
            "--anonymise", action="store_true", help="replace all people; with int or stg"
        )
        parser.add_argument("--reason", help="why, for the audit; with --unlock")

    def handle(self, *_args: Any, **options: Any) -> None:
        decision = tiers.decision()
        if names := options["unlock"]:
            if not options["reason"]:
                raise CommandError("--unlock needs --reason")
            protection.unlock(decision, names, options["reason"])
            self.stdout.write(f"unlocked for ten minutes: {', '.join(names)}")
        elif options["restamp"]:
            self._restamp(decision, tiers.Tier(options["restamp"]), options)
        elif options["verify"]:
            mended, findings = protection.verify(decision)
            self._report("mended", mended, findings, findings.differences)
        else:
            mended, findings = protection.protect(decision)
            # What a deploy mends by itself is no failure of the installation.
            left = [item for item in findings.differences if not item.is_repairable]
            self._report("installed", mended, findings, left)

    def _restamp(self, decision: tiers.Decision, tier: tiers.Tier, options: Any) -> None:
        is_prod = tier is tiers.Tier.PROD
        if not options["recover" if is_prod else "anonymise"]:
            raise CommandError(f"--restamp {tier} needs --{'recover' if is_prod else 'anonymise'}")
        if is_prod:
            protection.recover(decision)
            self.stdout.write("production is stamped here; run db_protect again")
            return
        from privacy.anonymising import CopyRefusedError, anonymise

        try:
            protection.adopt_copy(decision, tier, lambda copy: anonymise(copy, self.stdout.write))
        except CopyRefusedError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"the copy has no people any more and is stamped {tier}")
        self.stdout.write("run migrate and db_protect; nobody can sign in before changepassword")

    def _report(
        self,
        verb: str,
        mended: Sequence[Difference],
        findings: Findings,
        failures: Sequence[Difference],
    ) -> None:
        for item in mended:
            self.stdout.write(f"{verb}: {item.what}")
        for item in findings.differences:
            self.stdout.write(f"missing: {item.what}")
        for text in findings.impossible:
            self.stdout.write(f"partial, not possible on this server: {text}")
        if not mended and not findings.differences:
            self.stdout.write("nothing to change: stamps, roles and brakes are in place")
        if failures:
            sys.exit(1)
