"""One-click demo sign-in, and what PROD refuses."""

import subprocess

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from accounts.checks import check_no_test_addresses
from accounts.demo import DEMO_PASSWORD
from accounts.models import User
from accounts.seed import create_demo_accounts
from instainstru import clock
from tests.factories.accounts import UserFactory, VerifiedUserFactory

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/demo-sign-in/"


def test_sign_in_page_offers_the_demo_accounts_that_exist(client: Client) -> None:
    """Spec: G15."""
    assert "Try a demo account" not in client.get("/accounts/login/").content.decode()
    create_demo_accounts(clock.now())
    User.objects.get(email="analyst@instainstru.test").delete()
    page = client.get("/accounts/login/").content.decode()
    assert 'value="student@instainstru.test"' in page
    assert "analyst@" not in page


def test_one_press_signs_in(client: Client) -> None:
    """Spec: G15."""
    user = create_demo_accounts(clock.now())["student"]
    response = client.post(SIGN_IN, {"email": user.email, "next": "/lessons/"})
    assert response["Location"] == "/lessons/"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_demo_password_signs_in_too(client: Client) -> None:
    """Spec: G15."""
    user = create_demo_accounts(clock.now())["staff"]
    client.post("/accounts/login/", {"login": user.email, "password": DEMO_PASSWORD})
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize("email", ["maya@example.com", "nobody@instainstru.test", ""])
def test_only_demo_accounts_can_be_entered(client: Client, email: str) -> None:
    VerifiedUserFactory(email="maya@example.com", is_demo=True)
    create_demo_accounts(clock.now())
    assert client.post(SIGN_IN, {"email": email}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_demo_sign_in_needs_post_and_token() -> None:
    """Spec: S17.10."""
    create_demo_accounts(clock.now())
    client = Client(enforce_csrf_checks=True)
    assert client.get(SIGN_IN).status_code == 405
    assert client.post(SIGN_IN, {"email": "student@instainstru.test"}).status_code == 403


def test_foreign_next_is_dropped(client: Client) -> None:
    """Spec: S17.10."""
    create_demo_accounts(clock.now())
    data = {"email": "student@instainstru.test", "next": "https://evil.example/"}
    assert client.post(SIGN_IN, data)["Location"] == "/"


def test_prod_has_no_demo_sign_in(client: Client, settings: Settings) -> None:
    """Spec: G15."""
    create_demo_accounts(clock.now())
    settings.IS_PROD = True
    assert client.post(SIGN_IN, {"email": "student@instainstru.test"}).status_code == 404
    assert "Try a demo account" not in client.get("/accounts/login/").content.decode()


def test_prod_refuses_the_demo_password_like_a_wrong_one(
    client: Client, settings: Settings
) -> None:
    """Spec: G16."""
    VerifiedUserFactory(email="maya@example.com", password=DEMO_PASSWORD)
    data = {"login": "maya@example.com", "password": DEMO_PASSWORD}
    settings.IS_PROD = True
    response = client.post("/accounts/login/", data)
    assert response.status_code == 422
    assert "That e-mail and password don&#x27;t match." in response.content.decode()
    settings.IS_PROD = False
    assert client.post("/accounts/login/", data).status_code == 302


def test_prod_does_not_start_with_test_addresses(settings: Settings) -> None:
    """Spec: G16."""
    UserFactory(email="somebody@INSTAINSTRU.TEST")
    UserFactory(email="test@example.com")
    assert check_no_test_addresses(None) == []
    settings.IS_PROD = True
    assert [error.id for error in check_no_test_addresses(None)] == ["accounts.E001"]
    User.objects.filter(email__iendswith=".test").delete()
    assert check_no_test_addresses(None) == []


def test_demo_password_is_spelled_in_one_place() -> None:
    """Spec: G15."""
    found = subprocess.run(
        ["git", "grep", "-l", DEMO_PASSWORD, "--", "*.py", "*.html", "*.txt"],
        cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout.split() == ["accounts/demo.py"]
