"""Staff read every mail with invented people; nothing is stored (issue: preview of every mail)."""

import copy
from typing import Any

import html5lib
import pytest
from django.conf import settings
from django.test import Client, override_settings

from accounts.roles import Role
from bookings.notifications.models import OutgoingMail
from instainstru.pages.mail_previews import SIDES, mail_kinds, preview
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
        for side in SIDES:
            html, text = preview(kind, side, "html"), preview(kind, side, "txt")
            assert "[[missing" not in html + text, (kind, side)
            html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
            assert len(text) > 80


def test_pages_show_text_and_html_to_those_who_may() -> None:
    desk = at_work(staff(Role.ADMIN))
    page = desk.get("/staff/mails/").content.decode()
    assert all(f"/staff/mails/{kind}/" in page for kind in mail_kinds())
    assert "Andre W." in desk.get("/staff/mails/lesson_tip/").content.decode()
    answer = desk.get("/staff/mails/lesson_tip/html/?side=instructor")
    assert "gave you a tip" in answer.content.decode()
    assert "sandbox" in answer["Content-Security-Policy"]
    assert not OutgoingMail.objects.exists()
    for bad in ("/staff/mails/base/", "/staff/mails/nothing/", "/staff/mails/lesson_tip/?side=x"):
        assert desk.get(bad).status_code == 404
    assert at_work(staff(Role.SUPPORT)).get("/staff/mails/").status_code == 403
    assert Client().get("/staff/mails/").status_code == 302
