"""Staff read every mail with invented people; nothing is stored (issue: preview of every mail)."""

import copy
from itertools import product
from typing import Any

import html5lib
import pytest
from django.conf import settings
from django.http import Http404
from django.test import Client, override_settings

from accounts.roles import Role
from bookings.notifications.models import OutgoingMail
from instainstru.pages.mail_previews import SIDES, mail_kinds, preview, text_kinds, variants_of
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
MISSING = "[[missing %s]]"


def _strict() -> list[dict[str, Any]]:
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["string_if_invalid"] = MISSING
    return templates


@pytest.mark.parametrize("kind", mail_kinds())
def test_every_mail_has_a_sample_for_all_it_says(kind: str) -> None:
    """A new mail, or a new value in one, fails here until its sample has it."""
    with override_settings(TEMPLATES=_strict()):
        for side, variant in product(SIDES, variants_of(kind) or [""]):
            html, text = (preview(kind, side, form, variant) for form in ("html", "txt"))
            assert "[[missing" not in html + text, (kind, side, variant)
            html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
            assert len(text) > 80


@pytest.mark.parametrize("kind", text_kinds())
def test_every_text_has_a_sample_and_is_short(kind: str) -> None:
    with override_settings(TEMPLATES=_strict()):
        words = preview(kind, "student", "txt")
    assert "[[missing" not in words
    assert words.startswith("iNSTAiNSTRU: ")
    assert len(words) <= 320
    with pytest.raises(Http404):
        preview(kind, "student", "html")


def test_pages_show_text_and_html_to_those_who_may() -> None:
    desk = at_work(staff(Role.ADMIN))
    page = desk.get("/staff/mails/").content.decode()
    assert all(f"/staff/mails/{kind}/" in page for kind in mail_kinds())
    assert "Andre W." in desk.get("/staff/mails/lesson_tip/").content.decode()
    answer = desk.get("/staff/mails/lesson_tip/html/?side=instructor")
    assert "gave you a tip" in answer.content.decode()
    assert "sandbox" in answer["Content-Security-Policy"]
    page = desk.get("/staff/mails/text_lesson_late/").content.decode()
    assert "is running 10 minutes late" in page
    assert "Open HTML version" not in page
    assert not OutgoingMail.objects.exists()
    for bad in (
        "/staff/mails/base/",
        "/staff/mails/nothing/",
        "/staff/mails/lesson_tip/?side=x",
        "/staff/mails/text_code/html/",
    ):
        assert desk.get(bad).status_code == 404
    assert at_work(staff(Role.SUPPORT)).get("/staff/mails/").status_code == 403
    assert Client().get("/staff/mails/").status_code == 302


@pytest.mark.parametrize(
    "kind",
    ["lesson_proposal", "lesson_report", "lesson_goodwill", "lesson_moved", "lesson_confirmed"],
)
def test_every_occasion_of_a_mail_has_words_of_its_own(kind: str) -> None:
    found = {preview(kind, "student", "txt", variant) for variant in variants_of(kind)}
    assert len(found) == len(variants_of(kind)) >= 2


def test_page_leads_to_each_occasion() -> None:
    desk = at_work(staff(Role.ADMIN))
    page = desk.get("/staff/mails/lesson_proposal/?side=student&variant=lapsed").content.decode()
    assert "Nobody answered the new time" in page
    assert all(f"?side=student&amp;variant={what}" in page for what in ("opened", "declined"))
    answer = desk.get("/staff/mails/lesson_goodwill/html/?variant=good%20fit").content.decode()
    assert "it was not a good fit" in answer
    assert desk.get("/staff/mails/lesson_goodwill/?variant=x").status_code == 404
    assert desk.get("/staff/mails/lesson_tip/?variant=x").status_code == 404
