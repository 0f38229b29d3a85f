"""From a sentence to a paid lesson, with scripts and without (Spec: G1, S8.4, S12.4, S13.1)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from accounts.models import Learner
from accounts.roles import Role
from bookings.lessons.models import Booking
from bookings.notifications.models import OutgoingMail
from search.snapshot import forget_snapshot
from tests.factories.accounts import UserFactory
from tests.factories.catalog import (
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"
QUERY = "piano in park slope saturday morning under $90"


@pytest.fixture
def world() -> Any:
    """One pianist in Park Slope, and a student with a password."""
    park_slope = NeighborhoodFactory()
    maya = UserFactory(first_name="Maya", last_name="Cohen")
    instructor = InstructorFactory(user=maya, slug="maya-c", base_neighborhood=park_slope)
    OfferingFactory(
        instructor=instructor, service=ServiceFactory(name="Piano"), modalities=["at_student"]
    )
    student = UserFactory(email="sam@example.com", first_name="Sam")
    student.set_password(PASSWORD)
    student.save()
    student.groups.add(Group.objects.get(name=Role.STUDENT.value))
    Learner.objects.get_or_create(manager=student, is_self=True, defaults={"name": "Sam"})
    EmailAddress.objects.update_or_create(
        user=student, email=student.email, defaults={"verified": True, "primary": True}
    )
    forget_snapshot()
    yield instructor
    forget_snapshot()


def _pay(page: Any, number: str) -> None:
    page.fill("input[name=card_number]", number)
    page.fill("input[name=card_expiry]", "12/30")
    page.fill("input[name=card_cvc]", "123")
    page.fill("input[name=card_zip]", "11215")
    terms = page.locator("input[name=terms]")
    if not terms.is_checked():
        page.locator("label", has=terms).click(position={"x": 12, "y": 12})
    expect(terms).to_be_checked()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.wait_for_load_state()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_search_hold_log_in_pay_and_find_the_lesson(
    world: Any, live_server: Any, browser_of_session: Any, has_scripts: bool
) -> None:
    context = browser_of_session.new_context(java_script_enabled=has_scripts)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if "Security" in m.text else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    page.goto(live_server.url)
    page.fill("input[name=q]", QUERY)
    page.press("input[name=q]", "Enter")
    page.wait_for_url("**/search/**")
    assert "1 instructor for" in page.locator("h1").inner_text()
    page.locator(".instructor-card .card-link").first.click()
    page.wait_for_url("**/i/maya-c/**")
    page.goto(f"{live_server.url}/i/maya-c/book/?service=piano&duration=60&place=at_student")
    page.locator("label.slot-face").first.click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile(r"//[^/]+/book/[^/]+/$"))
    hold_address = page.url
    page.get_by_role("link", name="Log in", exact=True).last.click()
    page.fill("input[name=login]", "sam@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(hold_address)

    assert page.locator("input[name=learner]").first.is_checked()
    page.select_option("select[name=neighborhood]", label="Park Slope")
    page.fill("input[name=address]", "123 5th Street")
    _pay(page, "4000 0000 0000 0002")
    assert "Nothing was charged" in page.content()
    assert page.input_value("input[name=address]") == "123 5th Street"
    _pay(page, "4242 4242 4242 4242")
    assert page.locator("h1").inner_text().strip() == "You're booked."

    booking = Booking.objects.get(status="confirmed")
    assert booking.student.email == "sam@example.com"
    page.goto(f"{live_server.url}/lessons/")
    assert "Piano with Maya C." in page.content()
    assert OutgoingMail.objects.filter(to="sam@example.com", kind="lesson_confirmed").count() == 1
    assert booking.end_at - booking.start_at == timedelta(minutes=60)
    assert problems == []
    context.close()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_repeat_a_time_weekly_skip_one_date_and_pay_once(
    world: Any, live_server: Any, browser_of_session: Any, has_scripts: bool
) -> None:
    """R19, S12.5: from the page of times to the lessons of a series."""
    context = browser_of_session.new_context(java_script_enabled=has_scripts)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if "Security" in m.text else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("input[name=login]", "sam@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.goto(f"{live_server.url}/i/maya-c/book/?service=piano&duration=60&place=at_student")
    page.locator("label.slot-face").first.click()
    page.select_option("select[name=weeks]", "3")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/book/weekly/**")
    for number in (1, 3):
        page.locator(f"input[name=d{number}][value=book]").check()
    page.locator("input[name=d2][value=skip]").check()
    if not has_scripts:
        page.get_by_role("button", name="Update the total").click()
    expect(page.locator("#sum")).to_contain_text("2 lessons, $170.00")
    assert page.locator("input[name=d2][value=skip]").is_checked()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile(r"//[^/]+/book/[^/]+/$"))
    assert "2 lessons, 60 min" in page.content()
    page.select_option("select[name=neighborhood]", label="Park Slope")
    page.fill("input[name=address]", "123 5th Street")
    _pay(page, "4242 4242 4242 4242")
    assert page.locator("h1").inner_text().strip() == "You're booked."

    lessons = Booking.objects.filter(status="confirmed").order_by("start_at")
    assert [lesson.series is not None for lesson in lessons] == [True, True]
    assert lessons[1].start_at - lessons[0].start_at > timedelta(days=13)
    page.get_by_role("link", name=re.compile(r"\d:\d\d")).last.click()
    page.wait_for_url(f"**/lessons/{lessons[1].code}/")
    assert OutgoingMail.objects.filter(to="sam@example.com", kind="lesson_confirmed").count() == 1
    assert problems == []
    context.close()


@pytest.mark.parametrize(
    "address", ["/", "/services/", f"/search/?q={QUERY}", "/i/maya-c/", "/i/maya-c/book/"]
)
def test_nothing_scrolls_sideways_on_a_phone(
    world: Any, live_server: Any, browser_of_session: Any, address: str
) -> None:
    context = browser_of_session.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(live_server.url + address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "address",
    ["/", "/services/", f"/search/?q={QUERY}", "/i/maya-c/", "/i/maya-c/book/", "/accounts/login/"],
)
def test_axe_finds_nothing(
    world: Any, live_server: Any, browser_of_session: Any, address: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser_of_session.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(live_server.url + address)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    context.close()
