"""Bring the vectors of the catalogue up to date (Spec: S8.10)."""

from typing import Any

from django.core.management.base import BaseCommand

from search.embedding import embed_services


class Command(BaseCommand):
    """Encode what has no vector of the present model yet, and drop what is out of date."""

    help = "Encode services that have no vector of the present model yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many vectors were written and dropped."""
        written, dropped = embed_services()
        if options["verbosity"] > 0:
            self.stdout.write(f"{written} vectors written, {dropped} dropped.")
