"""``manage.py import_catalog``: bring the catalogue in line with its files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.files import DATA_DIR, CatalogFileError
from catalog.importer import import_catalog


class Command(BaseCommand):
    help = "Import services, neighborhoods and renames; bad rows are named and nothing is written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--services", type=Path, default=DATA_DIR / "services.csv")
        parser.add_argument("--neighborhoods", type=Path, default=DATA_DIR / "neighborhoods.csv")
        parser.add_argument("--aliases", type=Path, default=DATA_DIR / "service_aliases.csv")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            report = import_catalog(
                services_path=options["services"],
                neighborhoods_path=options["neighborhoods"],
                aliases_path=options["aliases"],
            )
        except (CatalogFileError, OSError) as error:
            raise CommandError(str(error)) from error
        if report.is_unchanged:
            self.stdout.write(f"Catalogue: {report.services} services, nothing changed.")
            return
        self.stdout.write(
            f"Catalogue: {report.services} services ({report.created} new, "
            f"{report.updated} changed, {report.renamed} renamed, {report.deactivated} inactive), "
            f"{report.phrases} phrases, {report.neighborhoods} neighborhoods written."
        )
