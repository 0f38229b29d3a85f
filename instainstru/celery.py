"""The Celery application and the declared schedule.

Tasks take ids only; rows are the truth and every task may run twice or never (Spec: S4.1, S4.2).
"""

import os
from datetime import timedelta

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

app = Celery("instainstru")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _declare_server(**_details: object) -> None:
    from instainstru.database.commands import declare_server

    declare_server("celery")


# Celery offers no other place where a worker or beat, and not a client, begins (Spec: S1.24).
signals.worker_init.connect(_declare_server)
signals.beat_init.connect(_declare_server)

SCHEDULE: dict[str, tuple[str, timedelta]] = {
    "deliver-mail": ("notifications.deliver_mail", timedelta(seconds=30)),
    "flip-clock-states": ("lessons.flip_clock_states", timedelta(seconds=30)),
    "finish-payment-attempts": ("lessons.finish_payment_attempts", timedelta(seconds=60)),
    "refresh-open-places": ("pages.refresh_open_places", timedelta(minutes=5)),
    "write-to-waiting": ("notifications.write_to_waiting", timedelta(minutes=5)),
    "forget-old-interest": ("catalog.forget_old_interest", timedelta(hours=24)),
    "settle-refunds": ("payments.settle_refunds", timedelta(seconds=60)),
    "refresh-statistics": ("reviews.refresh_statistics", timedelta(seconds=60)),
    "rebuild-statistics": ("reviews.rebuild_statistics", timedelta(hours=1)),
    "delete-old-idempotency-records": (
        "lessons.delete_old_idempotency_records",
        timedelta(hours=1),
    ),
}
"""Name of the periodic job -> (task, interval); written to the database by ``sync_schedule``."""
