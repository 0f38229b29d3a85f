"""``python -m tests.bench.floor.prepare``: the floor's database, its rows and one signed-in person.

Prints the session key as JSON.
"""

import json
import os
import sys

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from psycopg import sql

TEACHERS, CATEGORIES, REVIEWS_EACH = 60, 9, 4
HEADLINE = "Patient lessons for beginners and for those who come back after many years away from it"
WORDS = "Clear, friendly and always on time; we look forward to every lesson of the month."


def main() -> None:
    """Create, migrate and fill the database that FLOOR_DATABASE names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.floor.settings")
    django.setup()
    _create_database(settings.DATABASES["default"])
    call_command("migrate", run_syncdb=True, verbosity=0)
    _fill()
    sys.stdout.write(json.dumps({"session": _sign_in()}))


def _create_database(where: dict[str, str]) -> None:
    login = {"host": where["HOST"], "port": where["PORT"], "user": where["USER"]}
    password = where.get("PASSWORD") or None
    with psycopg.connect(**login, password=password, dbname="postgres", autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(where["NAME"])))


def _fill() -> None:
    from tests.bench.floor.models import Category, Offer, Review, Teacher

    categories = Category.objects.bulk_create(
        Category(name=f"Category {number}", slug=f"category-{number}")
        for number in range(CATEGORIES)
    )
    teachers = Teacher.objects.bulk_create(
        Teacher(
            name=f"Teacher {number}",
            slug=f"teacher-{number}",
            headline=f"{HEADLINE}, number {number}",
            category=categories[number % CATEGORIES],
        )
        for number in range(TEACHERS)
    )
    Offer.objects.bulk_create(
        Offer(teacher=teacher, minutes=60, price_cents=6000) for teacher in teachers
    )
    Review.objects.bulk_create(
        Review(teacher=teacher, stars=3 + number % 3, words=WORDS)
        for teacher in teachers
        for number in range(REVIEWS_EACH)
    )


def _sign_in() -> str:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_user("floor", first_name="Flora", last_name="Floor"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


if __name__ == "__main__":
    main()
