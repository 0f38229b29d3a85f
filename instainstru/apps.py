"""Application configuration of the building itself."""

from django.apps import AppConfig


class InstaInstruConfig(AppConfig):
    """Template tags, management commands and the database guard."""

    name = "instainstru"
    verbose_name = "InstaInstru"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the access of third-party URLs that belong to no app of ours."""
        from instainstru import celery  # noqa: F401 - shared tasks bind to this application
        from instainstru.access import PUBLIC, declare_url
        from instainstru.database import checks, commands  # noqa: F401 - checks register themselves

        commands.install()

        for name in (
            "account_signup", "account_login", "account_logout", "account_inactive",
            "account_email_verification_sent", "account_confirm_email", "account_reset_password",
            "account_reset_password_done", "account_reset_password_from_key",
            "account_reset_password_from_key_done", "account_reauthenticate",
        ):  # fmt: skip
            declare_url(name, PUBLIC)
