"""Application configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People."""

    name = "accounts"
    label = "accounts"
    verbose_name = "People"
