"""Mail to people who asked for it, and what people send us."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import User
from bookings.notifications.models import ContactMessage
from bookings.notifications.services import queue_mail
from catalog.interest import new_removal_token
from catalog.models import (
    Instructor,
    Neighborhood,
    Offering,
    ProfileReport,
    ReturnAlert,
    ServiceAlert,
    TeachingInterest,
    WaitlistEntry,
)
from catalog.selectors import earliest_check
from instainstru import clock

BATCH_SIZE = 200
# As long as the register of personal data says (``personal_data.py``).
MESSAGES_KEPT_FOR = timedelta(days=730)

Write = Callable[[Any, str], None]


def write_to_waiting() -> int:
    """Write to everybody whose wish came true; return how many.

    A service or a neighborhood has an instructor, or an instructor takes bookings again. Rows are
    locked, marked and given their mail in one transaction, so each is written to once however many
    workers run this. Spec: S7.5, S9.4, S10.3.
    """
    now = clock.now()
    today = now.astimezone(clock.NEW_YORK).date()
    checked_since = earliest_check(today)
    offers = Offering.objects.bookable().filter(
        instructor__background_checked_on__gte=checked_since
    )
    taught = offers.filter(service=OuterRef("service"))
    back = offers.filter(instructor=OuterRef("instructor"))
    served = (
        Instructor.objects.live()
        .checked_since(checked_since)
        .filter(served_neighborhoods=OuterRef("neighborhood"))
    )
    alerts = ServiceAlert.objects.unanswered().filter(Exists(taught), service__is_active=True)
    entries = WaitlistEntry.objects.unanswered().filter(Exists(served))
    returns = ReturnAlert.objects.unanswered().filter(Exists(back))
    return (
        _write_all(alerts.select_related("service__category"), _alert, now)
        + _write_all(entries.select_related("neighborhood"), _opening, now)
        + _write_all(returns.select_related("instructor__user"), _return, now)
    )


def _write_all(rows: QuerySet[Any], write: Write, now: datetime) -> int:
    written = 0
    while True:
        with transaction.atomic():
            batch = list(rows.select_for_update(of=("self",), skip_locked=True)[:BATCH_SIZE])
            for row in batch:
                token, row.removal_hash = new_removal_token()
                row.notified_at = now
                row.save(update_fields=["notified_at", "removal_hash"])
                write(row, settings.SITE_URL + reverse("stop-mail", args=[token]))
        written += len(batch)
        if len(batch) < BATCH_SIZE:
            return written


def _alert(row: ServiceAlert, stop_url: str) -> None:
    address = reverse("catalog:service", args=[row.service.category.slug, row.service.slug])
    queue_mail(
        key=f"service_alert:{row.pk}:{row.created_at.isoformat()}",
        to=row.email,
        subject=f"{row.service.name} has an instructor now",
        template="service_alert",
        context={"service": row.service, "url": settings.SITE_URL + address, "stop_url": stop_url},
        unsubscribe_url=stop_url,
    )


def _opening(row: WaitlistEntry, stop_url: str) -> None:
    place = row.neighborhood
    queue_mail(
        key=f"waitlist:{row.pk}",
        to=row.email,
        subject=f"Instructors come to {place.name} now",
        template="waitlist_open",
        context={
            "place": place,
            "url": f"{settings.SITE_URL}{reverse('catalog:all-services')}",
            "stop_url": stop_url,
        },
        unsubscribe_url=stop_url,
    )


def _return(row: ReturnAlert, stop_url: str) -> None:
    person = row.instructor
    queue_mail(
        key=f"return_alert:{row.pk}:{row.created_at.isoformat()}",
        to=row.email,
        subject=f"{person.display_name} takes bookings again",
        template="return_alert",
        context={
            "person": person,
            "url": settings.SITE_URL + reverse("instructor-profile", args=[person.slug]),
            "stop_url": stop_url,
        },
        unsubscribe_url=stop_url,
    )


@transaction.atomic
def offer_to_teach(
    *, email: str, first_name: str, teaches: str, neighborhood: Neighborhood
) -> None:
    """Store a wish to teach for staff and confirm it by one mail; a repeat changes nothing."""
    TeachingInterest.objects.record(
        email=email, first_name=first_name, teaches=teaches, neighborhood=neighborhood
    )
    same = f"{email.lower()}\n{teaches.lower()}\n{neighborhood.pk}"
    queue_mail(
        key=f"teaching_interest:{hashlib.sha256(same.encode()).hexdigest()}",
        to=email.lower(),
        subject="We got your wish to teach",
        template="teaching_interest",
        context={"first_name": first_name, "teaches": teaches, "place": neighborhood},
    )


@transaction.atomic
def send_contact_message(*, name: str, email: str, topic: str, text: str) -> ContactMessage:
    """Store what somebody wrote to us and tell support by mail. Spec: 03 section 4."""
    message = ContactMessage.objects.create(name=name, email=email, topic=topic, text=text)
    tell_support(
        key=f"contact:{message.public_id}",
        subject=f"{message.get_topic_display()} ({message.public_id})",
        template="contact_message",
        inbox="messages",
        message=message,
    )
    return message


def tell_support(*, key: str, subject: str, template: str, inbox: str, **context: object) -> None:
    """Queue a mail to support about what stands in one of the staff's lists."""
    url = settings.SITE_URL + reverse("staff-inbox", args=[inbox])
    queue_mail(
        key=key,
        to=settings.SUPPORT_EMAIL,
        subject=subject,
        template=template,
        context={**context, "url": url},
    )


def forget_contact_messages(now: datetime | None = None) -> int:
    """Delete what people wrote to us two years ago; return how many. Spec: S6.3"""
    return int(ContactMessage.objects.until((now or clock.now()) - MESSAGES_KEPT_FOR).delete()[0])


@transaction.atomic
def report_profile(
    *, by: User | None, instructor: Instructor, kind: str, text: str, email: str = ""
) -> ProfileReport:
    """Put a report into the staff's list; support hears of a worry about safety by mail.

    Spec: S10.5
    """
    report = ProfileReport.objects.create(
        instructor=instructor, reporter=by, kind=kind, text=text, email=email
    )
    if report.is_urgent:
        tell_support(
            key=f"profile_report:{report.public_id}",
            subject=f"Urgent: safety report about a profile ({report.public_id})",
            template="profile_report",
            inbox="reports",
            report=report,
        )
    return report
