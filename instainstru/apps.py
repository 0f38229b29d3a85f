"""Application configuration of the building itself."""

from django.apps import AppConfig


class InstaInstruConfig(AppConfig):
    """Template tags, management commands and the database guard."""

    name = "instainstru"
    verbose_name = "InstaInstru"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bind the task queue and put the database guard in place."""
        from instainstru import celery  # noqa: F401 - shared tasks bind to this application
        from instainstru.database import checks, commands  # noqa: F401 - checks register themselves

        commands.install()
