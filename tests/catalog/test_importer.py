"""The importer: all or nothing, line numbers, renames, and doing nothing the second time."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.files import (
    DATA_DIR,
    CatalogFileError,
    read_colloquial,
    read_neighborhoods,
    read_services,
)
from catalog.importer import ImportReport, import_catalog
from catalog.models import Category, Neighborhood, Service, ServicePhrase, ServiceSlugAlias

pytestmark = [pytest.mark.S7]

HEADER = "category,subcategory,name,description,keywords\n"
PIANO = "Music,Piano & Keys,Piano,Classical piano,keyboard|keys|learn piano\n"
OUD = "Music,Guitar & Plucked Strings,Oud,Middle Eastern lute,maqam|arabic lute|lute\n"


def write(folder: Path, *rows: str, aliases: str = "") -> dict[str, Path]:
    """Write the three files; return the arguments of ``import_catalog``."""
    paths = {f"{name}_path": folder / f"{name}.csv" for name in ("services", "neighborhoods")}
    paths["aliases_path"] = folder / "aliases.csv"
    paths["services_path"].write_text(HEADER + "".join(rows), encoding="utf-8")
    paths["neighborhoods_path"].write_text(
        "borough,neighborhood,lat,lng,aliases\nBrooklyn,Park Slope,40.6710,-73.9814,The Slope\n",
        encoding="utf-8",
    )
    paths["aliases_path"].write_text("old_name,new_name\n" + aliases, encoding="utf-8")
    return paths


@pytest.mark.django_db
def test_shipped_files_hold_the_whole_catalogue() -> None:
    """00 section 7 and 8: nine categories in brand order, 552 services, 242 neighborhoods."""
    import_catalog()
    counts = {row.name: row.service_count for row in Category.objects.with_service_counts()}
    assert list(counts.values()) == [78, 69, 78, 59, 61, 49, 44, 45, 69]
    assert next(iter(counts)) == "Music"
    assert Service.objects.active().count() == 552
    assert Neighborhood.objects.count() == 242
    assert Neighborhood.objects.filter(borough="Staten Island").count() == 26


@pytest.mark.django_db
def test_second_import_writes_nothing(django_assert_max_num_queries: Any) -> None:
    """G13: running twice changes nothing."""
    import_catalog()
    with django_assert_max_num_queries(12) as captured:
        report = import_catalog()
    assert report == ImportReport(services=552)
    assert not [q for q in captured if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.django_db
def test_slugs_are_ascii_and_phrases_are_folded(tmp_path: Path) -> None:
    """G10, S8.11."""
    cajon = 'Music,Drums,Cajón & Hand Percussion,"Slaps, bass",Compás|box drum|BONGO\n'
    import_catalog(**write(tmp_path, cajon))
    service = Service.objects.get()
    assert service.slug == "cajon-hand-percussion"
    phrases = set(service.phrases.values_list("phrase", "kind"))
    assert ("compas", "keyword") in phrases
    assert ("bongo", "keyword") in phrases
    assert ("cajon & hand percussion", "name") in phrases


@pytest.mark.django_db
def test_missing_row_makes_the_service_inactive_and_its_return_active(tmp_path: Path) -> None:
    """G13: never deleted."""
    import_catalog(**write(tmp_path, PIANO, OUD))
    oud = Service.objects.get(slug="oud")
    assert import_catalog(**write(tmp_path, PIANO)).deactivated == 1
    oud.refresh_from_db()
    assert not oud.is_active
    import_catalog(**write(tmp_path, PIANO, OUD))
    oud.refresh_from_db()
    assert oud.is_active


@pytest.mark.django_db
def test_rename_keeps_the_row_and_leaves_an_alias(tmp_path: Path) -> None:
    """G13: a rename comes from the alias file."""
    import_catalog(**write(tmp_path, PIANO, OUD))
    before = Service.objects.get(slug="oud").pk
    lute = OUD.replace(",Oud,", ",Arabic Oud,")
    report = import_catalog(**write(tmp_path, PIANO, lute, aliases="Oud,Arabic Oud\n"))
    assert (report.renamed, report.created, report.deactivated) == (1, 0, 0)
    assert Service.objects.get(slug="arabic-oud").pk == before
    assert ServiceSlugAlias.objects.get(slug="oud").service_id == before
    assert import_catalog(**write(tmp_path, PIANO, lute, aliases="Oud,Arabic Oud\n")).is_unchanged


@pytest.mark.django_db
def test_chain_of_renames_leads_to_the_present_name(tmp_path: Path) -> None:
    import_catalog(**write(tmp_path, PIANO, OUD))
    last = OUD.replace(",Oud,", ",Lute,")
    import_catalog(**write(tmp_path, PIANO, last, aliases="Oud,Arabic Oud\nArabic Oud,Lute\n"))
    targets = set(ServiceSlugAlias.objects.values_list("slug", "service__slug"))
    assert targets == {("oud", "lute"), ("arabic-oud", "lute")}


@pytest.mark.django_db
def test_colloquial_phrases_of_staff_survive(tmp_path: Path) -> None:
    """S7.6: the importer owns names and keywords only."""
    import_catalog(**write(tmp_path, PIANO))
    piano = Service.objects.get()
    ServicePhrase.objects.create(service=piano, phrase="tinkle the ivories", kind="colloquial")
    import_catalog(**write(tmp_path, PIANO.replace("|keys|", "|ivories|")))
    assert set(piano.phrases.values_list("phrase", flat=True)) == {
        "piano", "keyboard", "ivories", "learn piano", "tinkle the ivories",
    }  # fmt: skip


@pytest.mark.django_db
def test_categories_can_change_places() -> None:
    import_catalog()
    music, tutoring = Category.objects.all()[:2]
    Category.objects.filter(pk=music.pk).update(position=99)
    Category.objects.filter(pk=tutoring.pk).update(position=1)
    import_catalog()
    assert Category.objects.first() == music


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("Cooking,Sub,Soup,Warm,a|b|c\n", "is not a category"),
        ("Music,,Soup,Warm,a|b|c\n", "subcategory is empty"),
        ("Music,Sub,,Warm,a|b|c\n", "the name must have"),
        ("Music,Sub,☃,Warm,a|b|c\n", "for a slug"),
        ("Music,Sub,Soup,Warm,a|b\n", "2 keywords instead of 3 to 6"),
        (f"Music,Sub,Soup,{'word ' * 13},a|b|c\n", "1 to 12 words"),
        (PIANO, "repeats line 2"),
        ("Music,Sub,Soup\n", "3 cells instead of 5"),
        ('Music,Sub,"Soup,Warm,a|b|c\n', "unexpected end of data"),
    ],
)
@pytest.mark.django_db
def test_bad_row_names_its_line_and_imports_nothing(tmp_path: Path, row: str, problem: str) -> None:
    """G13: one bad row reports its line number and imports nothing."""
    with pytest.raises(CatalogFileError, match=problem) as caught:
        import_catalog(**write(tmp_path, PIANO, row, OUD))
    assert "line" in caught.value.message
    assert not Service.objects.exists()
    assert not Neighborhood.objects.exists()


def test_every_bad_line_is_reported_at_once(tmp_path: Path) -> None:
    bad = "Music,Sub,,Warm,a|b|c\n"
    paths = write(tmp_path, bad, PIANO, bad)
    with pytest.raises(CatalogFileError) as caught:
        read_services(paths["services_path"])
    assert caught.value.context["lines"] == [2, 4]


def test_latin1_file_names_the_line(tmp_path: Path) -> None:
    paths = write(tmp_path, PIANO)
    paths["services_path"].write_bytes((HEADER + PIANO).encode() + b"Music,x,Caf\xe9,d,a|b|c\n")
    with pytest.raises(CatalogFileError, match="line 3: is not UTF-8"):
        read_services(paths["services_path"])


def test_neighborhood_rules(tmp_path: Path) -> None:
    """00 section 8: no alias equals another name; points lie in New York."""
    path = tmp_path / "n.csv"
    path.write_text(
        "borough,neighborhood,lat,lng,aliases\n"
        "Queens,Astoria,40.77,-73.92,\n"
        "Queens,Ditmars,40.77,-73.91,ASTORIA\n"
        "Queens,Swapped,-73.91,40.77,\n"
        "Jersey,Hoboken,40.77,-73.91,\n",
        encoding="utf-8",
    )
    with pytest.raises(CatalogFileError) as caught:
        read_neighborhoods(path)
    assert caught.value.context["lines"] == [3, 4, 5]


@pytest.mark.django_db
def test_alias_to_an_unknown_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogFileError, match=r"aliases.csv: line 2"):
        import_catalog(**write(tmp_path, PIANO, aliases="Lute,Arabic Lute\n"))


@pytest.mark.django_db
def test_command_reports_and_fails_plainly(tmp_path: Path, capsys: Any) -> None:
    call_command("import_catalog")
    assert "552 services (552 new" in capsys.readouterr().out
    call_command("import_catalog")
    assert "nothing changed" in capsys.readouterr().out
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_catalog", services=tmp_path / "missing.csv")


@pytest.mark.django_db
def test_colloquial_phrases_come_with_the_catalogue(tmp_path: Path) -> None:
    """S8.11, S7.6: added once, folded; those of services that are not there are left out."""
    paths = write(tmp_path, PIANO)
    (tmp_path / "colloquial.csv").write_text(
        "service,phrases\nPiano,Téclado|keys|ivories\nOud,laud\n", encoding="utf-8"
    )
    assert import_catalog(**paths).phrases == 6
    piano = Service.objects.get()
    colloquial = piano.phrases.filter(kind="colloquial").values_list("phrase", flat=True)
    assert set(colloquial) == {"teclado", "ivories"}
    assert import_catalog(**paths).is_unchanged


def test_shipped_colloquial_phrases_name_services_of_the_catalogue() -> None:
    """S8.11"""
    known = {row.slug for row in read_services(DATA_DIR / "services.csv")}
    assert {row.slug for row in read_colloquial(DATA_DIR / "colloquial.csv")} <= known


def test_a_service_without_phrases_names_its_line(tmp_path: Path) -> None:
    """G13"""
    path = tmp_path / "colloquial.csv"
    path.write_text("service,phrases\nPiano,\n", encoding="utf-8")
    with pytest.raises(CatalogFileError, match="line 2: there is no phrase"):
        read_colloquial(path)
