"""``manage.py sync_roles``: make roles and permissions in the database equal to the code."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.role_sync import sync_roles


class Command(BaseCommand):
    help = "Write the 7 roles and 30 permissions of the product; running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            changed = sync_roles()
        self.stdout.write(f"Roles are in place; {changed} rows changed.")
