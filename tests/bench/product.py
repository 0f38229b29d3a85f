"""``python -m tests.bench.product``: what the benchmark needs to know about the seeded city.

Runs with the product's settings on its private servers. ``prepare COUNT`` prints addresses and
COUNT lessons that can be booked; ``connect`` prints what the tier gate adds to a new connection,
``sign-in`` how long the answer to a wrong password takes for known and for unknown addresses,
``reconcile`` how long the gateway's books take to be compared with ours.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from typing import Any

import django

from tests.bench.load import TOKEN

LESSONS_AFTER_DAYS, LESSONS_DAYS = 29, 14
GAP = timedelta(hours=3)
CONNECTS = 60
SIGN_INS = 80


def main() -> None:
    """Print the answer to one question as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
    django.setup()
    from django.conf import settings

    if not settings.DECISION.is_embedded:
        sys.exit("The benchmark uses servers of its own only; take INT_DATABASE_URL out of .env.")
    commands: dict[str, Callable[[], Any]] = {
        "connect": connect,
        "sign-in": sign_in,
        "reconcile": reconcile,
        "prepare": lambda: prepare(int(sys.argv[2])),
    }
    sys.stdout.write(json.dumps(commands[sys.argv[1]]()))


def prepare(lesson_count: int) -> dict[str, Any]:
    """Return the addresses of the measured pages, a signed-in student and bookable lessons."""
    from django.db.models import Count

    from catalog.models import Instructor, Service

    offers = Count("offerings", filter=_live_offers())
    service = Service.objects.annotate(offers=offers).order_by("-offers", "pk")[0]
    instructor = Instructor.objects.live().filter(offerings__service=service).order_by("pk")[0]
    students = _students()
    lessons = [
        {**time_and_offer, "cookie": cookie, "learner": learner}
        for time_and_offer, (cookie, learner) in zip(
            islice(_open_times(), lesson_count), students, strict=False
        )
    ]
    if len(lessons) < lesson_count:
        sys.exit(f"The city has only {len(lessons)} lessons to book; use more --instructors.")
    return {
        "category": service.category.slug,
        "service": service.slug,
        "query": service.name,
        "instructor": instructor.slug,
        "cookie": next(students)[0],
        "lessons": lessons,
    }


def _live_offers() -> Any:
    from django.db.models import Q

    return Q(offerings__is_active=True, offerings__instructor__status="live")


def _students() -> Iterator[tuple[str, str]]:
    """Yield the session cookie and the own learner of seeded students without credit."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import Learner

    rows = Learner.objects.filter(
        is_self=True, manager__is_demo=True, manager__instructor=None, manager__credits=None
    )
    for learner in rows.select_related("manager").order_by("pk").iterator(chunk_size=200):
        client = Client()
        client.force_login(learner.manager, backend=settings.AUTHENTICATION_BACKENDS[0])
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        token = f"{settings.CSRF_COOKIE_NAME}={TOKEN}"
        yield f"{settings.SESSION_COOKIE_NAME}={session}; {token}", learner.public_id


def _open_times() -> Iterator[dict[str, Any]]:
    """Yield times that can be booked, far from each other and from all seeded lessons.

    Neighbours in the order are with different instructors, as in life.
    """
    from bookings.lessons.selectors import load_calendars
    from catalog.models import Offering, Policy
    from catalog.selectors import months_before
    from instainstru import clock
    from instainstru.pages.cards import usual_minutes

    now = clock.now()
    first_on = now.astimezone(clock.NEW_YORK).date() + timedelta(days=LESSONS_AFTER_DAYS)
    last_on = first_on + timedelta(days=LESSONS_DAYS)
    checked = months_before(last_on, Policy.objects.current().background_check_months)
    rows = Offering.objects.bookable().filter(
        modalities__contains=["online"], instructor__background_checked_on__gt=checked
    )
    rows = rows.select_related("instructor", "service").prefetch_related("prices").order_by("pk")
    offers = {offer.instructor_id: offer for offer in rows if offer.prices.all()}
    calendars = load_calendars(list(offers), first_on=first_on, last_on=last_on, now=now)
    columns = [
        [(offer, start) for start in _apart(calendars.starts(pk, usual_minutes(offer)))]
        for pk, offer in offers.items()
    ]
    for row in zip_longest(*columns):
        for offer, start in filter(None, row):
            yield {
                "slug": offer.instructor.slug,
                "service": offer.service.slug,
                "minutes": usual_minutes(offer),
                "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "cents": next(
                    price.price_cents
                    for price in offer.prices.all()
                    if price.duration_minutes == usual_minutes(offer)
                ),
            }


def _apart(starts: list[datetime]) -> list[datetime]:
    kept: list[datetime] = []
    for start in starts:
        if not kept or start - kept[-1] >= GAP:
            kept.append(start)
    return kept


def connect() -> dict[str, float]:
    """Return milliseconds of a new connection, plain and through the gate, by turns."""
    import psycopg
    from django.db import connection

    parameters = connection.get_connection_params()
    plain = dict(parameters)
    ways: dict[str, Callable[[], Any]] = {
        "plain_ms": lambda: psycopg.connect(**plain),
        "gated_ms": lambda: connection.get_new_connection(parameters),
    }
    waits: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way().close()
    for _ in range(CONNECTS):
        for name, way in ways.items():
            began = time.perf_counter()
            opened = way()
            waits[name].append((time.perf_counter() - began) * 1000)
            opened.close()
    medians = {name: statistics.median(times) for name, times in waits.items()}
    pairs = zip(waits["gated_ms"], waits["plain_ms"], strict=True)
    return {**medians, "overhead_ms": statistics.median(gated - bare for gated, bare in pairs)}


def sign_in() -> dict[str, float]:
    """Return milliseconds of answers to a wrong password, by turns, each account tried once.

    ``noise_ms`` is half the middle range of either: what one try differs from another by itself.
    Spec: S17.2.
    """
    from accounts.models import User

    people = list(User.objects.filter(is_demo=True, instructor=None, is_staff=False)[:SIGN_INS])
    if len(people) < SIGN_INS:
        sys.exit("The city has too few students; use more --instructors.")
    waits: dict[str, list[float]] = {"known_ms": [], "unknown_ms": []}
    for number, person in enumerate(people):
        person.set_password(f"right-{number}-{person.public_id}")
        person.save(update_fields=["password"])
        emails = {"known_ms": person.email, "unknown_ms": f"nobody-{number}@students.example"}
        turns = list(emails.items())
        for name, email in turns if number % 2 else reversed(turns):
            waits[name].append(_wrong_password(email, network=number))
    medians = {name: statistics.median(each) for name, each in waits.items()}
    noise = max(_middle_range(each) / 2 for each in waits.values())
    difference = abs(medians["known_ms"] - medians["unknown_ms"])
    return medians | {"difference_ms": difference, "noise_ms": noise}


def reconcile() -> dict[str, float]:
    """Return how many payments of the city the nightly comparison looked at, and its seconds.

    Spec: S14.3, 08 benchmark targets
    """
    from bookings.payments.services.reconciliation import reconcile as compare
    from instainstru import clock

    began = time.perf_counter()
    row = compare(clock.now())
    seconds = time.perf_counter() - began
    if row.problem_count or not row.checked:
        sys.exit(f"{row.problem_count} of {row.checked} payments differ from the gateway's books.")
    return {"charges": row.checked, "seconds": seconds}


def _wrong_password(email: str, *, network: int) -> float:
    from django.test import Client

    client = Client(REMOTE_ADDR=f"10.0.{network}.1")
    began = time.perf_counter()
    answer = client.post("/accounts/login/", {"login": email, "password": "wrong-password"})
    taken = (time.perf_counter() - began) * 1000
    if answer.status_code != 422:
        sys.exit(f"A wrong password was answered with {answer.status_code}.")
    return taken


def _middle_range(values: list[float]) -> float:
    quarters = statistics.quantiles(values, n=4)
    return quarters[2] - quarters[0]


if __name__ == "__main__":
    main()
