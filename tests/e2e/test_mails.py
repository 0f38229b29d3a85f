"""Every mail: one layout, one button, a plain twin, zones and the reason (ux 6.13)."""

import re
from pathlib import Path
from typing import Any

import html5lib
import pytest
from django.conf import settings

from bookings.notifications.models import OutgoingMail
from tests.e2e import looks
from tests.e2e.town import Town

pytestmark = pytest.mark.django_db

TEMPLATES = Path(settings.BASE_DIR) / "templates"
PARTS = {"base", "button", "lesson_facts", "lesson_series"}
ALIASES = {"email_confirmation"}
"""Templates that only extend a twin with another name."""
CLOCK = re.compile(r"\d{1,2}:\d{2} [AP]M(?! –)")
ZONE = re.compile(r"\d{1,2}:\d{2} [AP]M (?:[A-Z]{3,4}|UTC[+-]\d+)")
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b")


def _kinds() -> set[str]:
    ours = {path.stem for path in (TEMPLATES / "mail").glob("*.html")} - PARTS
    account = (TEMPLATES / "account" / "email").glob("*_message.html")
    return ours | {path.stem.removesuffix("_message") for path in account} - ALIASES


def test_every_mail_has_a_plain_twin_and_a_subject() -> None:
    for path in (*(TEMPLATES / "mail").glob("*.html"), *TEMPLATES.glob("account/email/*.html")):
        if path.stem not in PARTS - {"base"}:
            assert path.with_suffix(".txt").exists(), path
    for path in TEMPLATES.glob("account/email/*_message.html"):
        assert path.with_name(path.name.replace("_message.html", "_subject.txt")).exists()


def test_mail_colours_are_the_tokens() -> None:
    tokens = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text()
    assert set(COLOUR.findall((TEMPLATES / "mail" / "style.css").read_text())) <= set(
        COLOUR.findall(tokens)
    )


def test_the_town_gets_every_mail(town: Town) -> None:
    assert set(OutgoingMail.objects.values_list("kind", flat=True)) == _kinds()


def test_every_mail_keeps_the_rules(town: Town) -> None:
    """Spec: G7, 02 section 1: links on our own address, zone behind each time, a reason."""
    for mail in OutgoingMail.objects.all():
        document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(mail.html)
        words = " ".join("".join(document.find(".//body").itertext()).split())
        links = [link.get("href") for link in document.iter("a")]
        buttons = [link for link in document.iter("a") if link.get("class") == "button"]
        assert len(document.findall(".//h1")) == 1, mail.kind
        assert len(buttons) <= 1, mail.kind
        for text in (words, mail.text):
            assert "You get this" in text, mail.kind
            assert len(CLOCK.findall(text)) == len(ZONE.findall(text)), (mail.kind, text)
            assert "{" not in text
        assert all(link.startswith((settings.SITE_URL, "mailto:")) for link in links), mail.kind
        for link in links[1:]:
            assert link in mail.text, (mail.kind, link)


def test_styles_are_on_the_elements_and_dark_ones_in_a_query(town: Town) -> None:
    mail = OutgoingMail.objects.get(public_id=town.words["mail"])
    styles = re.findall(r"<style>(.*?)</style>", mail.html, re.DOTALL)
    assert len(styles) == 1
    assert styles[0].strip().startswith("@media (prefers-color-scheme: dark)")
    document = html5lib.parse(mail.html, namespaceHTMLElements=False)
    button = next(link for link in document.iter("a") if link.get("class") == "button")
    assert "#FFD93D" in button.get("style")


@pytest.mark.browser
@pytest.mark.slow
def test_every_mail_is_open_to_everybody(town: Town, site: str, browser_of_session: Any) -> None:
    """Axe finds nothing and nothing scrolls sideways, wide and narrow, light and dark."""
    window = browser_of_session.new_context()
    page = window.new_page()
    for mail in OutgoingMail.objects.distinct("kind"):
        # Into an empty page: the mail's own address forbids every script, so also those of axe.
        page.set_content(window.request.get(f"{site}/dev/mail/{mail.public_id}/html/").text())
        for width, scheme in looks.MODES:
            page.set_viewport_size({"width": width, "height": looks.HEIGHT})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(looks.SIDEWAYS) == [], mail.kind
            found = looks.axe_violations(page, without=("landmark-one-main", "region"))
            assert found == [], (mail.kind, width, scheme)
    window.close()
