"""The declared schedule and the tasks behind it."""

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from instainstru.celery import SCHEDULE, app

pytestmark = [pytest.mark.django_db, pytest.mark.S4]


def test_every_declared_job_is_a_known_task() -> None:
    app.loader.import_default_modules()
    assert {task for task, _ in SCHEDULE.values()} <= set(app.tasks)


def test_synchronising_twice_changes_nothing_and_keeps_pauses():
    """Spec: S4.5"""
    call_command("sync_schedule", verbosity=0)
    PeriodicTask.objects.filter(name="deliver-mail").update(enabled=False)
    call_command("sync_schedule", verbosity=0)
    assert PeriodicTask.objects.filter(name__in=SCHEDULE).count() == len(SCHEDULE)
    assert not PeriodicTask.objects.get(name="deliver-mail").enabled


def test_a_job_that_is_no_longer_declared_goes(monkeypatch):
    call_command("sync_schedule", verbosity=0)
    monkeypatch.delitem(SCHEDULE, "settle-refunds")
    call_command("sync_schedule", verbosity=0)
    assert not PeriodicTask.objects.filter(name="settle-refunds").exists()
