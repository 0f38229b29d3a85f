"""People of the town who look after their accounts, and the mails that this brings."""

import re

from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.texts import agree_to_texts
from bookings.notifications.models import OutgoingMail
from catalog.addresses import save_address
from catalog.models import Neighborhood
from tests.e2e.town import PASSWORD, Town
from tests.factories.accounts import student
from tests.factories.second_step import code_of, enrol
from tests.factories.texts import PAGE as TEXTS_PAGE
from tests.factories.texts import with_texts


def look_after_accounts(town: Town) -> None:
    """Bring one browser to each page of passwords and second steps."""
    _save_address(town)
    with_texts(User.objects.get(email="sam@example.com"))
    untidy = student(email="u@example.com", first_name="", last_name="W" * 60, theme="dark")
    town.people["untidy"] = Client()
    town.people["untidy"].force_login(untidy)
    agree_to_texts(by=untidy, phone="+12125550199", browser=TEXTS_PAGE)
    careful = student(email="cara@example.com", first_name="Cara", password=PASSWORD)
    town.people["careful"] = _entered(careful)
    _change_password(student(email="chen@example.com", password=PASSWORD))
    secured = student(email="sven@example.com", first_name="Sven", password=PASSWORD)
    seed = enrol(secured)
    town.people["secured"] = _entered(secured, seed)
    town.people["entering"] = _entered(secured)
    _renew_codes(town.people["secured"])
    _change_email(town, secured)


def _save_address(town: Town) -> None:
    sam = User.objects.get(email="sam@example.com")
    place = Neighborhood.objects.get(name="Park Slope")
    fields = {"street": f"123 {'W' * 60} St", "unit": "4B", "zip_code": "11215"}
    address = save_address(by=sam, label="Home", neighborhood=place, **fields)
    town.words["address"] = address.public_id


def _entered(user: User, seed: str = "") -> Client:
    """Sign in as a person does; without the seed of their app it ends at the second step."""
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    if seed:
        client.post("/accounts/2fa/authenticate/", {"code": code_of(seed)})
        assert "_auth_user_id" in client.session
    return client


def _change_password(user: User) -> None:
    fields = {"oldpassword": PASSWORD, "password1": "another-quiet-lamp"}
    answer = _entered(user).post("/accounts/password/change/", fields)
    assert answer.status_code == 302, answer.status_code


def _renew_codes(client: Client) -> None:
    answer = client.post("/accounts/2fa/recovery-codes/generate/")
    assert answer.status_code == 303, answer.status_code


def _change_email(town: Town, other: User) -> None:
    """Leave one change waiting, make one, and ask for an address that is taken."""
    moving = student(email="mo@example.com", first_name="Mo", password=PASSWORD)
    moved = student(email="moe@example.com", password=PASSWORD)
    town.people["moving"] = _entered(moving)
    client = _entered(moved)
    for browser, email in (
        (client, other.email),
        (client, "moe@example.org"),
        (town.people["moving"], "mo@example.org"),
    ):
        answer = browser.post("/accounts/email/", {"email": email})
        assert answer.status_code == 303, answer.status_code
    client.post(_link("email_change_confirm", "moe@example.org"))
    confirm, undo = _link("email_change_confirm", "mo@example.org"), _link("email_changed")
    town.words["email_confirm"] = confirm.split("/")[-2]
    town.words["email_undo"] = undo.split("/")[-2]


def _link(kind: str, to: str = "moe@example.com") -> str:
    """Return the path in the newest mail of a kind."""
    mail = OutgoingMail.objects.filter(kind=kind, to=to).newest_first()[0]
    found = re.search(rf"{settings.SITE_URL}(/accounts/email/\S+)", mail.text)
    assert found
    return found[1]
