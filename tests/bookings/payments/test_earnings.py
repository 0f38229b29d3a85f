"""The page of an instructor's money: every number is the ledger's (Spec: S15.13, S14.11)."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from bookings.lessons.models import Booking
from bookings.payments.earnings import earnings_lines, lessons_that_paid, totals_of
from bookings.payments.models import Payee
from bookings.payments.services import request_refund
from bookings.payments.services.payouts import make_payouts, send_payouts
from bookings.payments.years import years_of
from catalog.models import Instructor
from instainstru import clock
from tests.bookings.payments.test_payouts import TAKES, balance, ready, taught, teacher
from tests.factories.accounts import student
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
PAGE, BANK = "/teach/earnings/", "/teach/earnings/bank/"


def signed_in(instructor: Instructor) -> Client:
    client = Client()
    client.force_login(instructor.user)
    return client


def test_sums_are_the_ledger_at_every_step() -> None:
    """S15.13: pending, payable, on its way and paid equal what the ledger owes and paid."""
    instructor, now = ready(), clock.now()
    first = taught(instructor)
    taught(instructor, end_at=now - timedelta(hours=3))
    reported = taught(instructor, end_at=now - timedelta(days=9))
    Booking.objects.filter(pk=reported.pk).update(status="reported")

    def sums() -> tuple[int, int, int, int]:
        found = totals_of(instructor, now)
        open_cents = found.pending_cents + found.payable_cents + found.on_its_way_cents
        assert open_cents == balance(instructor)
        return (
            found.pending_cents,
            found.payable_cents,
            found.on_its_way_cents,
            found.paid_cents,
        )

    assert sums() == (16300, 8150, 0, 0)
    make_payouts(now)
    assert sums() == (16300, 0, 8150, 0)
    send_payouts(now)
    assert sums() == (16300, 0, 0, 8150)
    request_refund(
        booking_id=first.pk, key="late", amount_cents=4750, credit_cents=0,
        instructor_keeps_cents=4075, fee_keeps_cents=675, policy=first.policy, now=now,
    )  # fmt: skip
    assert sums() == (16300, -4075, 0, 8150)


def test_each_lesson_says_what_it_brought_and_where_it_stands() -> None:
    instructor, now = ready(), clock.now()
    taught(instructor)
    make_payouts(now)
    send_payouts(now)
    back = taught(instructor, end_at=now - timedelta(days=5))
    request_refund(
        booking_id=back.pk, key="all", amount_cents=9500, credit_cents=0,
        instructor_keeps_cents=0, fee_keeps_cents=0, policy=back.policy, now=now,
    )  # fmt: skip
    taught(instructor, end_at=now - timedelta(hours=1))
    lines = list(earnings_lines(lessons_that_paid(instructor), now))
    assert [line.state for line in lines] == ["pending", "refunded", "paid"]
    assert [line.net_cents for line in lines] == [8150, 0, 8150]
    paid = lines[2]
    assert (paid.price_cents, paid.travel_cents, paid.fee_cents) == (9000, 500, -1350)
    assert lines[1].refund_cents == -8150
    for line in lines:
        parts = line.price_cents + line.travel_cents + line.fee_cents + line.tip_cents
        assert parts + line.refund_cents == line.net_cents
    year = years_of(instructor)[0]
    assert (year.lessons, year.paid_cents, year.payouts) == (3, 8150, 1)
    assert year.earned_cents == sum(line.net_cents for line in lines)


def test_page_shows_it_and_asks_no_more_for_more_lessons() -> None:
    instructor = ready()
    client = signed_in(instructor)
    counts = []
    for days in (30, 29, 28, 27):
        taught(instructor, end_at=clock.now() - timedelta(days=days))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get(PAGE).content.decode()
        counts.append(len(queries))
    assert "$326.00" in page
    assert "account ending in 6789" in page
    assert counts[1] == counts[3]


def test_file_has_every_lesson_and_no_formula() -> None:
    """S17.3: words that look like formulas stay words."""
    instructor = ready()
    pupil = student(first_name="=1+1", last_name="Wu")
    booking = taught(instructor, student=pupil)
    answer = signed_in(instructor).get("/teach/earnings/lessons.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="earnings.csv"'
    assert answer["Cache-Control"].startswith("private") or "no-store" in answer["Cache-Control"]
    rows = list(csv.DictReader(StringIO(answer.content.decode())))
    assert [row["Lesson"] for row in rows] == [booking.code]
    assert rows[0]["Student"] == "'=1+1 W."
    assert (rows[0]["Price"], rows[0]["Fee"], rows[0]["You earn"]) == ("90.00", "-13.50", "81.50")


def test_others_see_nothing_of_it(client: Client) -> None:
    """G5: a page about nobody else's money."""
    other = teacher()
    taught(ready())
    assert "Nothing earned yet" in signed_in(other).get(PAGE).content.decode()
    client.force_login(student())
    assert client.get(PAGE).status_code == 403
    assert client.get("/teach/earnings/lessons.csv").status_code == 403


def test_staff_who_do_not_teach_are_told_so() -> None:
    """Their role may open the page: the link in the menu leads somewhere."""
    desk = at_work(staff(Role.ADMIN))
    for page in (PAGE, "/teach/reliability/"):
        answer = desk.get(page)
        assert answer.status_code == 200
        assert "teach here yet" in answer.content.decode()
    assert desk.get("/teach/earnings/lessons.csv").status_code == 404


def test_bank_details_are_asked_for_by_somebody_who_just_signed_in() -> None:
    """S14.11: re-authentication."""
    instructor = teacher()
    client = signed_in(instructor)
    answer = client.get(BANK)
    assert answer.status_code == 302
    assert "/accounts/reauthenticate/" in answer["Location"]
    assert client.post(BANK, {"account_number": TAKES}).status_code == 302
    assert not Payee.objects.exists()


@pytest.mark.parametrize("number", ["", "4242 4242 4242 4242", "000123450000", "x" * 40])
def test_bad_account_numbers_are_refused_on_the_form(number: str) -> None:
    instructor = teacher()
    client = at_work(instructor.user)
    answer = client.post(BANK, {"account_number": number})
    assert answer.status_code == 422
    assert not Payee.objects.exists()


def test_account_is_saved_and_told() -> None:
    instructor = teacher()
    client = at_work(instructor.user)
    answer = client.post(BANK, {"account_number": TAKES}, follow=True)
    assert "ending in 6789" in answer.content.decode()
    assert "delayed" not in answer.content.decode()
    client.post(BANK, {"account_number": TAKES})
    assert "nothing is paid out before" in client.get(PAGE).content.decode()
