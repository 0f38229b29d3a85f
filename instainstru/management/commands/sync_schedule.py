"""Write the declared schedule into the database (Spec: S4.5)."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from instainstru.celery import SCHEDULE


class Command(BaseCommand):
    """Bring the stored schedule in line with the code; what staff paused stays paused."""

    help = "Synchronise the periodic jobs in the database with those declared in the code."

    @transaction.atomic
    def handle(self, **options: Any) -> None:
        for name, (task, every) in SCHEDULE.items():
            interval, _ = IntervalSchedule.objects.get_or_create(
                every=int(every.total_seconds()), period=IntervalSchedule.SECONDS
            )
            PeriodicTask.objects.update_or_create(
                name=name, defaults={"task": task, "interval": interval, "crontab": None}
            )
        gone = PeriodicTask.objects.exclude(name__in=[*SCHEDULE, "celery.backend_cleanup"])
        removed = gone.filter(interval__isnull=False).delete()[0]
        if options["verbosity"] > 0:
            self.stdout.write(f"{len(SCHEDULE)} jobs declared, {removed} removed.")
