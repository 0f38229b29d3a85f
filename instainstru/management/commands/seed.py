"""``manage.py seed``: fill an INT or STG database with a living New York (Spec: G14, G15)."""

from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instainstru.city.profiles import PROFILES
from instainstru.city.seeding import SeedError, seed_city

MOST_INSTRUCTORS = 50_000


class Command(BaseCommand):
    help = "Build the demo city once; a second run changes nothing, --refresh moves it to today."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--profile", choices=sorted(PROFILES), default="demo")
        parser.add_argument("--instructors", type=int, help="live instructors, 1 to 50,000")
        parser.add_argument("--refresh", action="store_true", help="continue the city up to today")

    def handle(self, *_args: Any, **options: Any) -> None:
        count = options["instructors"]
        if count is not None and not 1 <= count <= MOST_INSTRUCTORS:
            raise CommandError(f"--instructors must be from 1 to {MOST_INSTRUCTORS:,}.")
        began = monotonic()
        try:
            run = seed_city(
                PROFILES[options["profile"]],
                instructor_count=count,
                is_refresh=options["refresh"],
                progress=self.stdout.write,
            )
        except SeedError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"City of {run.instructor_count:,} instructors and {run.student_count:,} students, "
            f"as of {run.anchor_on}, ready in {monotonic() - began:.1f} s."
        )
