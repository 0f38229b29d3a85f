import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from instainstru.database import checks, targets

pytestmark = [
    pytest.mark.S1,
    pytest.mark.filterwarnings("ignore:Overriding setting DATABASES"),
]


def ids(settings: LazySettings) -> list[str | None]:
    return [error.id for error in checks.check_engines()]


def test_the_projects_settings_pass(settings: LazySettings) -> None:
    assert ids(settings) == []


def test_another_engine_fails_the_check(settings: LazySettings) -> None:
    """S1.10: it would go round the gate."""
    plain = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}
    settings.DATABASES = {**settings.DATABASES, "default": plain}
    assert ids(settings) == ["database.E001"]


def test_another_router_or_alias_fails_the_check(settings: LazySettings) -> None:
    """S1.11."""
    settings.DATABASE_ROUTERS = []
    settings.DATABASES = {**settings.DATABASES, "prod": {"ENGINE": targets.ENGINE, "NAME": "shop"}}
    assert ids(settings) == ["database.E002", "database.E003"]


def test_the_check_is_registered(settings: LazySettings) -> None:
    settings.DATABASE_ROUTERS = []
    assert "database.E002" in {message.id for message in run_checks(tags=["security"])}
