"""Brings the database in line with the catalogue files, all or nothing (Spec: G13)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, models, transaction

from catalog.files import (
    CATEGORY_ICONS,
    DATA_DIR,
    AliasRow,
    CatalogFileError,
    ColloquialRow,
    NeighborhoodRow,
    ServiceRow,
    read_aliases,
    read_colloquial,
    read_neighborhoods,
    read_services,
)
from catalog.models import Category, Neighborhood, Service, ServicePhrase, ServiceSlugAlias
from catalog.text import fold_text, slug_of
from instainstru.page_store.versions import CATALOGUE, bump

_IMPORT_LOCK = 0x11CA7A10
# Far above every real position: rows pass through it when they change places.
_PARKING = 10_000

Model = TypeVar("Model", bound=models.Model)


@dataclass(slots=True)
class ImportReport:
    """How many rows of each kind were written; ``services`` counts the file."""

    services: int
    created: int = 0
    updated: int = 0
    renamed: int = 0
    deactivated: int = 0
    phrases: int = 0
    neighborhoods: int = 0

    @property
    def is_unchanged(self) -> bool:
        """Tell whether the database already said what the files say."""
        return not any(
            (
                self.created,
                self.updated,
                self.renamed,
                self.deactivated,
                self.phrases,
                self.neighborhoods,
            )
        )


def import_catalog(
    *,
    services_path: Path = DATA_DIR / "services.csv",
    neighborhoods_path: Path = DATA_DIR / "neighborhoods.csv",
    aliases_path: Path = DATA_DIR / "service_aliases.csv",
    colloquial_path: Path | None = None,
) -> ImportReport:
    """Upsert categories, services, phrases and neighborhoods by slug, in one transaction.

    A service missing from the file becomes inactive, a rename keeps the row and leaves its old
    slug as an alias, and an import without differences writes nothing. Raises
    ``CatalogFileError`` with the line numbers of bad rows before anything is written.
    Colloquial phrases stand in ``colloquial.csv`` beside the services unless a path is given; those
    of services that the file lacks are left out. Spec: G13, S8.11.
    """
    services = read_services(services_path)
    neighborhoods = read_neighborhoods(neighborhoods_path)
    colloquial = read_colloquial(colloquial_path or services_path.with_name("colloquial.csv"))
    renames = _final_renames(read_aliases(aliases_path), services, aliases_path)
    report = ImportReport(services=len(services))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])
        report.neighborhoods = _sync_neighborhoods(neighborhoods)
        categories = _sync_categories()
        _rename_services(renames, report)
        _sync_services(services, categories, report)
        _sync_aliases(renames)
        report.phrases = sync_phrases(services) + _add_colloquial(colloquial)
        bump(CATALOGUE)
    return report


def _final_renames(
    rows: Sequence[AliasRow], services: Sequence[ServiceRow], path: Path
) -> dict[str, str]:
    """Return old slug to present slug, following chains of renames."""
    current = {row.slug for row in services}
    step = {row.old_slug: row.new_slug for row in rows}
    final: dict[str, str] = {}
    for row in rows:
        target, seen = row.new_slug, {row.old_slug}
        while target not in current and target in step and target not in seen:
            seen.add(target)
            target = step[target]
        if target not in current or row.old_slug in current:
            raise CatalogFileError(
                f"{path.name}: line {row.line}: a rename goes from a name that services.csv no "
                "longer has to one that it has. Nothing was imported.",
                code="catalog_file",
                context={"lines": [row.line]},
            )
        final[row.old_slug] = target
    return final


def _differing(row: models.Model, wanted: Mapping[str, Any]) -> bool:
    """Write the wanted values onto a row in memory; tell whether any differed."""
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, wanted[name])
    return bool(changed)


def _sync_neighborhoods(rows: Sequence[NeighborhoodRow]) -> int:
    existing = {row.slug: row for row in Neighborhood.objects.all()}
    new: list[Neighborhood] = []
    changed: list[Neighborhood] = []
    fields = ["borough", "name", "latitude", "longitude", "aliases"]
    for row in rows:
        wanted = {name: getattr(row, name) for name in fields} | {"aliases": list(row.aliases)}
        known = existing.get(row.slug)
        if known is None:
            new.append(Neighborhood(slug=row.slug, **wanted))
        elif _differing(known, wanted):
            changed.append(known)
    Neighborhood.objects.bulk_create(new)
    Neighborhood.objects.bulk_update(changed, fields)
    return len(new) + len(changed)


def _sync_categories() -> dict[str, Category]:
    existing = {row.slug: row for row in Category.objects.all()}
    new: list[Category] = []
    changed: list[Category] = []
    for position, (name, icon) in enumerate(CATEGORY_ICONS.items(), start=1):
        slug, wanted = slug_of(name), {"name": name, "position": position, "icon": icon}
        known = existing.get(slug)
        if known is None:
            new.append(Category(slug=slug, **wanted))
        elif _differing(known, wanted):
            changed.append(known)
    if changed:
        # Positions are unique at every moment, so move all of them out of the way first.
        Category.objects.update(position=models.F("position") + _PARKING)
        Category.objects.bulk_update(existing.values(), ["name", "position", "icon"])
    Category.objects.bulk_create(new)
    return {row.name: row for row in Category.objects.all()}


def _rename_services(renames: Mapping[str, str], report: ImportReport) -> None:
    """Give renamed rows their new slug, so that offers and bookings stay with them."""
    rows = Service.objects.filter(slug__in={*renames, *renames.values()}).in_bulk(field_name="slug")
    for old_slug, new_slug in renames.items():
        service = rows.get(old_slug)
        if service is not None and new_slug not in rows:
            service.slug = new_slug
            service.save(update_fields=["slug"])
            rows[new_slug] = service
            report.renamed += 1


def _sync_services(
    rows: Sequence[ServiceRow], categories: Mapping[str, Category], report: ImportReport
) -> None:
    existing = {row.slug: row for row in Service.objects.all()}
    new: list[Service] = []
    changed: list[Service] = []
    for position, row in enumerate(rows, start=1):
        wanted = _service_fields(row, categories[row.category], position)
        known = existing.pop(row.slug, None)
        if known is None:
            new.append(Service(slug=row.slug, **wanted))
        elif _differing(known, wanted):
            changed.append(known)
    gone = [service.pk for service in existing.values() if service.is_active]
    Service.objects.filter(pk__in=gone).update(is_active=False)
    Service.objects.bulk_create(new)
    Service.objects.bulk_update(
        changed,
        ["category", "subcategory", "name", "description", "keywords", "position", "is_active"],
        batch_size=200,
    )
    report.created, report.updated, report.deactivated = len(new), len(changed), len(gone)


def _service_fields(row: ServiceRow, category: Category, position: int) -> dict[str, Any]:
    return {
        "category_id": category.pk,
        "subcategory": row.subcategory,
        "name": row.name,
        "description": row.description,
        "keywords": list(row.keywords),
        "position": position,
        "is_active": True,
    }


def _sync_aliases(renames: Mapping[str, str]) -> None:
    """Add what the file names; an alias once given answers for ever (Spec: G10)."""
    targets = Service.objects.filter(slug__in=renames.values()).in_bulk(field_name="slug")
    known = {row.slug: row for row in ServiceSlugAlias.objects.filter(slug__in=renames)}
    new: list[ServiceSlugAlias] = []
    changed: list[ServiceSlugAlias] = []
    for old_slug, new_slug in renames.items():
        alias = known.get(old_slug)
        if alias is None:
            new.append(ServiceSlugAlias(slug=old_slug, service=targets[new_slug]))
        elif _differing(alias, {"service_id": targets[new_slug].pk}):
            changed.append(alias)
    ServiceSlugAlias.objects.bulk_create(new)
    ServiceSlugAlias.objects.bulk_update(changed, ["service"])


def sync_phrases(rows: Sequence[ServiceRow | Service]) -> int:
    """Bring the phrases of services into line with their names and keywords.

    Colloquial phrases are staff's and stay. Returns how many rows were written.
    """
    services = Service.objects.filter(slug__in=[row.slug for row in rows]).in_bulk(
        field_name="slug"
    )
    wanted = {
        (services[row.slug].pk, phrase): kind for row in rows for phrase, kind in _phrases(row)
    }
    stale: list[int] = []
    for phrase in ServicePhrase.objects.filter(service__in=services.values()):
        key = (phrase.service_id, phrase.phrase)
        if phrase.kind == ServicePhrase.Kind.COLLOQUIAL or wanted.get(key) == phrase.kind:
            wanted.pop(key, None)
        else:
            stale.append(phrase.pk)
    ServicePhrase.objects.filter(pk__in=stale).delete()
    ServicePhrase.objects.bulk_create(
        [
            ServicePhrase(service_id=service_id, phrase=phrase, kind=kind)
            for (service_id, phrase), kind in wanted.items()
        ],
        batch_size=2000,
    )
    return len(stale) + len(wanted)


def _add_colloquial(rows: Sequence[ColloquialRow]) -> int:
    """Add what people call the services; what staff added or the file no longer says stays."""
    services = Service.objects.active().in_bulk(field_name="slug")
    known = set(ServicePhrase.objects.values_list("service_id", "phrase"))
    wanted = dict.fromkeys(
        (services[row.slug].pk, fold_text(phrase))
        for row in rows
        if row.slug in services
        for phrase in row.phrases
    )
    kind = ServicePhrase.Kind.COLLOQUIAL
    new = [
        ServicePhrase(service_id=service_id, phrase=phrase, kind=kind)
        for service_id, phrase in wanted
        if (service_id, phrase) not in known
    ]
    ServicePhrase.objects.bulk_create(new, batch_size=2000)
    return len(new)


def _phrases(row: ServiceRow | Service) -> Iterable[tuple[str, str]]:
    """Yield each phrase once; the name comes last so that it wins over an equal keyword."""
    for keyword in row.keywords:
        yield fold_text(keyword), ServicePhrase.Kind.KEYWORD.value
    yield fold_text(row.name), ServicePhrase.Kind.NAME.value
