"""Bring the vectors of the catalogue up to date (Spec: S8.10)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from search.embedding import embed_services
from search.offering_words import embed_offerings


class Command(BaseCommand):
    """Encode what has no vector of the present model yet, and drop what is out of date."""

    help = "Encode services that have no vector of the present model yet."

    def add_arguments(self, parser: CommandParser) -> None:
        """Let offers be encoded, too: they take longer, and the worker does them by itself."""
        parser.add_argument("--offerings", action="store_true", help="offers, too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many vectors were written and dropped."""
        written, dropped = embed_services()
        if options["offerings"]:
            while found := embed_offerings()[0]:
                written += found
        if options["verbosity"] > 0:
            self.stdout.write(f"{written} vectors written, {dropped} dropped.")
