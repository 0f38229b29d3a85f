"""Write the declared schedule into the database (Spec: S4.5)."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from instainstru.celery import SCHEDULE


class Command(BaseCommand):
    """Bring the stored schedule in line with the code; what staff paused stays paused."""

    help = "Synchronise the periodic jobs in the database with those declared in the code."

    @transaction.atomic
    def handle(self, **options: Any) -> None:
        for name, (task, when) in SCHEDULE.items():
            PeriodicTask.objects.update_or_create(
                name=name, defaults={"task": task, **self._stored(when)}
            )
        gone = PeriodicTask.objects.exclude(name__in=[*SCHEDULE, "celery.backend_cleanup"])
        removed = gone.delete()[0]
        if options["verbosity"] > 0:
            self.stdout.write(f"{len(SCHEDULE)} jobs declared, {removed} removed.")

    def _stored(self, when: timedelta | crontab) -> dict[str, Any]:
        if isinstance(when, timedelta):
            every = {"every": int(when.total_seconds()), "period": IntervalSchedule.SECONDS}
            return {"interval": IntervalSchedule.objects.get_or_create(**every)[0], "crontab": None}
        at = CrontabSchedule.from_schedule(when)
        at.timezone = settings.CELERY_TIMEZONE
        fields = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year", "timezone")
        same = {name: getattr(at, name) for name in fields}
        return {"interval": None, "crontab": CrontabSchedule.objects.get_or_create(**same)[0]}
