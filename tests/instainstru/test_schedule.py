"""The declared schedule and the tasks behind it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from instainstru import invariants
from instainstru.celery import SCHEDULE, app
from instainstru.tasks import check_invariants

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


@pytest.mark.S19
@pytest.mark.parametrize(
    ("day", "wanted"),
    [("2026-03-08", "2026-03-08T07:30"), ("2026-11-01", "2026-11-01T08:30"),
     ("2026-11-26", "2026-11-26T08:30")],
)  # fmt: skip
def test_the_nightly_backup_runs_once_also_when_the_clock_changes(day: str, wanted: str) -> None:
    """S19.1, S4.5: 03:30 in New York, asked once a minute from noon to noon."""
    call_command("sync_schedule", verbosity=0)
    crontab = PeriodicTask.objects.get(name="back-up").crontab
    assert crontab is not None
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("America/New_York"))
    now = (noon - timedelta(days=1)).astimezone(UTC)
    schedule, last, runs = crontab.schedule, now, []
    schedule.nowfun = lambda: now
    while now < noon:
        if schedule.is_due(last).is_due:
            runs.append(now)
            last = now
        now += timedelta(minutes=1)
    assert [f"{at:%Y-%m-%dT%H:%M}" for at in runs] == [wanted]


@pytest.mark.S14
def test_the_nightly_look_at_the_books_tells_what_is_broken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S14.5, S16.6: the real checks, and one that finds something."""
    assert SCHEDULE["check-invariants"][0] == check_invariants.name
    assert check_invariants() == 0
    assert not caplog.records
    monkeypatch.setitem(invariants._checks, "sums", lambda: ["event charge:1 sums to 5"])
    assert check_invariants() == 1
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "sums to 5" in str(record.msg)
