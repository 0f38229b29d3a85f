"""People of the town who look after their accounts, and the mails that this brings."""

from django.test import Client

from accounts.models import User
from tests.e2e.town import PASSWORD, Town
from tests.factories.accounts import student
from tests.factories.second_step import code_of, enrol


def look_after_accounts(town: Town) -> None:
    """Bring one browser to each page of passwords and second steps."""
    careful = student(email="cara@example.com", first_name="Cara", password=PASSWORD)
    town.people["careful"] = _entered(careful)
    _change_password(student(email="chen@example.com", password=PASSWORD))
    secured = student(email="sven@example.com", first_name="Sven", password=PASSWORD)
    seed = enrol(secured)
    town.people["secured"] = _entered(secured, seed)
    town.people["entering"] = _entered(secured)
    _renew_codes(town.people["secured"])


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
