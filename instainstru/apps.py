"""Application configuration of the building itself."""

from django.apps import AppConfig
from django.contrib import admin

from instainstru.database import tiers


class InstaInstruConfig(AppConfig):
    """Template tags, management commands and the database guard."""

    name = "instainstru"
    verbose_name = "InstaInstru"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bind the task queue, put the database guard in place, show the tier in the admin."""
        from instainstru import celery  # noqa: F401 - shared tasks bind to this application
        from instainstru.database import checks, commands

        checks.refuse_other_engines()
        commands.install()
        admin.site.site_header = f"{tiers.decision().tier.badge} iNSTAiNSTRU"
