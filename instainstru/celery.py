"""The Celery application and the declared schedule.

Tasks take ids only; rows are the truth and every task may run twice or never (Spec: S4.1, S4.2).
"""

import os
from datetime import timedelta
from typing import Any, Final, NoReturn

from celery import Celery, Task, signals
from celery.app.control import Control
from celery.exceptions import Reject
from celery.schedules import crontab
from django.db import DEFAULT_DB_ALIAS, connections

from instainstru.database import audit, session, tiers, valkey
from instainstru.database.refusals import TierRefusedError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

TIER_HEADER: Final = "ii_tier"


class TierTask(Task):  # type: ignore[misc]
    """A task that runs only where its message came from. Spec: S1.20."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run, or reject a message of another tier without running it."""
        request = self.request
        if request.called_directly or request.is_eager:
            return super().__call__(*args, **kwargs)
        _refuse_other_tier(self.name, request.get(TIER_HEADER))
        return self.run(*args, **kwargs)


def _refuse_other_tier(name: str, found: str | None) -> None:
    wanted = tiers.decision().tier.value
    if found != wanted:
        error = TierRefusedError(f"a message of tier {found} was rejected")
        audit.record_refusal(f"task {name}", error, tier_wanted=wanted, tier_found=found or "")
        raise Reject(error.reason, requeue=False)


class TierControl(Control):  # type: ignore[misc]
    """Commands to workers: a process that only reads may ask them, and not tell them anything."""

    def purge(self, *args: Any, **kwargs: Any) -> Any:
        """Empty the queues; never on PROD."""
        decision = tiers.decision()
        if decision.tier is tiers.Tier.PROD:
            _refuse("purge", "queues are not emptied on PROD")
        return super().purge(*args, **kwargs)

    def broadcast(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Send a command to workers."""
        from celery.worker.control import Panel

        is_question = getattr(Panel.meta.get(command), "type", "") == "inspect"
        if not is_question and session.is_read_only(tiers.decision()):
            _refuse(command, "this process reads only")
        return super().broadcast(command, *args, **kwargs)


def _refuse(what: str, reason: str) -> NoReturn:
    with audit.refusals(f"celery {what}", tiers.decision().tier.value):
        raise TierRefusedError(f"{what}: {reason}")


class TierApp(Celery):  # type: ignore[misc]
    """The application; a process that only reads lets no worker write for it."""

    def send_task(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Send a message. Raises TierRefusedError where only reading is allowed. Spec: S1.24."""
        if session.is_read_only(tiers.decision()):
            _refuse(name, "this process reads only")
        return super().send_task(name, *args, **kwargs)


app = TierApp("instainstru", task_cls=TierTask, control=TierControl)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.before_task_publish.connect  # type: ignore[untyped-decorator]
def _mark_tier(headers: dict[str, Any], **_details: object) -> None:
    headers[TIER_HEADER] = tiers.decision().tier.value


def _declare_server(**_details: object) -> None:
    """Compare the tiers of database and broker with the process's own before anything else."""
    from instainstru.database.commands import declare_server

    declare_server("celery")
    connections[DEFAULT_DB_ALIAS].ensure_connection()
    connections.close_all()
    valkey.wait_for_tier(tiers.decision())


# Celery offers no other place where a worker or beat, and not a client, begins (Spec: S1.24).
signals.worker_init.connect(_declare_server)
signals.beat_init.connect(_declare_server)

SCHEDULE: dict[str, tuple[str, timedelta | crontab]] = {
    "deliver-mail": ("notifications.deliver_mail", timedelta(seconds=30)),
    "deliver-texts": ("notifications.deliver_texts", timedelta(seconds=60)),
    "flip-clock-states": ("lessons.flip_clock_states", timedelta(seconds=30)),
    "send-reminders": ("lessons.send_reminders", timedelta(minutes=2)),
    "tell-of-unread-messages": ("messages.tell_of_unread", timedelta(seconds=60)),
    "forget-old-messages": ("messages.forget_old_messages", timedelta(hours=24)),
    "remind-of-reviews": ("reviews.remind_of_reviews", timedelta(minutes=10)),
    # Every quarter of an hour: no zone's 18:00 lies anywhere else.
    "send-digests": ("notifications.send_digests", crontab(minute="*/15")),
    # Each calendar is due every 15 minutes; one that was just connected waits for no quarter.
    "read-connected-calendars": ("calendars.read_due", timedelta(seconds=60)),
    "lapse-proposals": ("lessons.lapse_proposals", timedelta(seconds=60)),
    "accept-silent-reports": ("lessons.accept_silent_reports", timedelta(minutes=5)),
    "cancel-lessons-of-suspended": (
        "lessons.cancel_lessons_of_suspended",
        timedelta(minutes=5),
    ),
    "finish-payment-attempts": ("lessons.finish_payment_attempts", timedelta(seconds=60)),
    "refresh-open-places": ("pages.refresh_open_places", timedelta(minutes=5)),
    "refresh-popular": ("pages.refresh_popular", timedelta(minutes=5)),
    "write-to-waiting": ("notifications.write_to_waiting", timedelta(minutes=5)),
    "forget-ended-access": ("accounts.forget_ended_access", timedelta(minutes=10)),
    "forget-email-changes": ("accounts.forget_email_changes", timedelta(hours=24)),
    "forget-old-failures": ("accounts.forget_old_failures", timedelta(hours=1)),
    "sweep-pictures": ("accounts.sweep_pictures", timedelta(hours=1)),
    "remove-old-report-pictures": ("lessons.remove_old_report_pictures", timedelta(hours=24)),
    "forget-old-mail": ("notifications.forget_old_mail", timedelta(hours=24)),
    "forget-old-texts": ("notifications.forget_old_texts", timedelta(hours=24)),
    "forget-contact-messages": ("notifications.forget_contact_messages", timedelta(hours=24)),
    "forget-old-notices": ("notifications.forget_old_notices", timedelta(hours=24)),
    "forget-old-events": ("analytics.forget_old_events", timedelta(hours=1)),
    "forget-old-interest": ("catalog.forget_old_interest", timedelta(hours=24)),
    "embed-offerings": ("search.embed_offerings", timedelta(seconds=60)),
    "keep-availability-days": ("search.keep_availability_days", timedelta(seconds=60)),
    "embed-services": ("search.embed_services", timedelta(seconds=60)),
    "tidy-search-history": ("search.tidy_history", timedelta(hours=1)),
    "process-webhooks": ("payments.process_webhooks", timedelta(seconds=30)),
    "send-offline-events": ("payments.send_offline_events", timedelta(seconds=10)),
    "forget-payment-events": ("payments.forget_old_events", timedelta(hours=24)),
    # Every hour, so that a payday that passed while everything was down is made up for.
    "make-payouts": ("payments.make_payouts", crontab(minute="0")),
    "send-payouts": ("payments.send_payouts", timedelta(minutes=5)),
    "finish-payee-pages": ("payments.finish_payee_pages", timedelta(minutes=5)),
    "remove-at-gateways": ("payments.remove_at_gateways", timedelta(hours=1)),
    # Every day of the month: who could not be asked on the first is asked again.
    "make-tax-records": (
        "payments.make_tax_records",
        crontab(hour="5", minute="20", month_of_year="1"),
    ),
    # After those of the new year, which keep earlier ones longer.
    "purge-tax-records": ("payments.purge_tax_records", crontab(hour="6", minute="20")),
    "reconcile-payments": ("payments.reconcile", crontab(hour="4", minute="10")),
    "check-invariants": ("invariants.check_nightly", crontab(hour="4", minute="40")),
    "settle-refunds": ("payments.settle_refunds", timedelta(seconds=60)),
    "refresh-statistics": ("reviews.refresh_statistics", timedelta(seconds=60)),
    "rebuild-statistics": ("reviews.rebuild_statistics", timedelta(hours=1)),
    "delete-old-idempotency-records": (
        "lessons.delete_old_idempotency_records",
        timedelta(hours=1),
    ),
    "delete-old-calendar-changes": ("lessons.delete_old_calendar_changes", timedelta(hours=1)),
    "back-up": ("backups.make_nightly", crontab(hour="3", minute="30")),
}
"""Name of the periodic job -> (task, interval or New York time); written to the database by
``sync_schedule``."""
