"""``manage.py make_tax_records``: the tax records of a year, and new keys for old ones."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bookings.payments.services.tax_records import make_tax_records, reseal_tax_records
from instainstru import clock


class Command(BaseCommand):
    help = "Write the tax records that a year lacks; running it again changes nothing (S14.12)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, help="one that is over; else the last")
        parser.add_argument(
            "--reseal", action="store_true", help="encrypt all under the first of TAX_RECORD_KEYS"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["reseal"]:
            self.stdout.write(f"Sealed anew: {reseal_tax_records()}.")
            return
        try:
            made = make_tax_records(clock.now(), year=options["year"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"New records: {made}.")
