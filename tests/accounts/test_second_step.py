"""Codes of apps, recovery codes, and what the tables hold of them."""

import threading

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.db import close_old_connections

from accounts import second_step
from accounts.models import User
from accounts.roles import Role
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError
from tests.accounts.conftest import newest_mail
from tests.factories.accounts import UserFactory, VerifiedUserFactory
from tests.factories.second_step import code_of, enrol

pytestmark = [pytest.mark.django_db, pytest.mark.S17]


@pytest.fixture
def moving_clock():
    with time_machine.travel("2026-03-02T15:00:10Z", tick=False) as moved:
        yield moved


@pytest.fixture
def maya() -> User:
    return VerifiedUserFactory(email="maya@example.com", role=Role.STUDENT)


def stored() -> str:
    return str(list(Authenticator.objects.values_list("data", flat=True)))


# --- Seeds at rest --------------------------------------------------------------------------------
def test_seeds_are_stored_encrypted(maya) -> None:
    """Spec: 02 section 1."""
    seed = enrol(maya)
    recovery = second_step.unused_recovery_codes(maya)
    assert seed not in stored()
    assert not any(code in stored() for code in recovery)
    plain = second_step.decrypt(Authenticator.objects.get(type="totp").data["secret"])
    assert plain == seed


def test_an_old_key_works_as_a_fallback_only(maya, settings) -> None:
    seed = enrol(maya)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "n" * 50
    assert second_step.accept_code(maya, code_of(seed)) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert second_step.accept_code(maya, code_of(seed)) is not None


@pytest.mark.parametrize("text", ["", "nonsense", "gAAAAA"])
def test_nonsense_is_not_decrypted(text: str) -> None:
    with pytest.raises(InvalidToken):
        second_step.decrypt(text)


# --- Codes of the app -----------------------------------------------------------------------------
def test_a_code_is_accepted_once(maya, moving_clock) -> None:
    """Spec: S17.2."""
    seed = enrol(maya)
    assert second_step.accept_code(maya, code_of(seed)) is not None
    assert second_step.accept_code(maya, code_of(seed)) is None
    moving_clock.shift(30)
    assert second_step.accept_code(maya, code_of(seed)) is not None


@pytest.mark.parametrize(("intervals", "is_right"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_clocks_may_differ_by_half_a_minute(maya, moving_clock, intervals, is_right) -> None:
    seed = enrol(maya)
    code = code_of(seed, intervals=intervals)
    assert (second_step.accept_code(maya, code) is not None) == bool(is_right)


def test_an_older_code_is_no_way_around_a_used_one(maya, moving_clock) -> None:
    """Spec: S17.2."""
    seed = enrol(maya)
    assert second_step.accept_code(maya, code_of(seed))
    assert second_step.accept_code(maya, code_of(seed, intervals=-1)) is None


@pytest.mark.parametrize("code", ["", "000000", "12345", "abcdef", "\x00", "١٢٣٤٥٦", "9" * 99])
def test_wrong_codes_are_refused(maya, moving_clock, code: str) -> None:
    enrol(maya)
    assert second_step.accept_code(maya, code) is None


def test_spaces_in_a_code_do_not_matter(maya, moving_clock) -> None:
    code = code_of(enrol(maya))
    assert second_step.accept_code(maya, f" {code[:3]} {code[3:]} ") is not None


def test_a_code_of_somebody_else_is_wrong(maya, moving_clock) -> None:
    other = UserFactory()
    enrol(maya)
    assert second_step.accept_code(maya, code_of(enrol(other))) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_two_parallel_uses_of_a_code_one_is_refused(kind: str) -> None:
    """Spec: S17.2."""
    user = VerifiedUserFactory()
    seed = enrol(user)
    code = code_of(seed) if kind == "app" else second_step.unused_recovery_codes(user)[0]
    barrier = threading.Barrier(4)
    answers: list[bool] = []

    def attempt() -> None:
        try:
            barrier.wait()
            answers.append(second_step.accept_code(user, code) is not None)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]


# --- Recovery codes -------------------------------------------------------------------------------
def test_there_are_ten_recovery_codes_and_each_works_once(maya) -> None:
    """Spec: S17.2."""
    enrol(maya)
    codes = second_step.unused_recovery_codes(maya)
    assert len(set(codes)) == second_step.recovery_codes_left(maya) == 10
    assert second_step.accept_code(maya, codes[3]) is not None
    assert second_step.accept_code(maya, codes[3]) is None
    assert second_step.unused_recovery_codes(maya) == codes[:3] + codes[4:]
    assert second_step.recovery_codes_left(maya) == 9
    assert "9 are left" in newest_mail(maya.email).text


def test_new_recovery_codes_end_the_old_ones(maya) -> None:
    enrol(maya)
    old = second_step.unused_recovery_codes(maya)
    second_step.renew_recovery_codes(by=maya)
    new = second_step.unused_recovery_codes(maya)
    assert not set(old) & set(new)
    assert second_step.accept_code(maya, old[0]) is None
    assert "New recovery codes" in newest_mail(maya.email).text


def test_recovery_codes_need_a_second_step(maya) -> None:
    with pytest.raises(ConflictError):
        second_step.renew_recovery_codes(by=maya)
    assert second_step.recovery_codes_left(maya) == 0


# --- On and off -----------------------------------------------------------------------------------
def test_the_first_code_turns_it_on_and_is_used_up(maya, moving_clock) -> None:
    session: dict[str, str] = {}
    seed = second_step.pending_seed(session)
    assert second_step.pending_seed(session) == seed
    assert seed not in str(session), "sessions are stored too"
    second_step.turn_on(by=maya, seed=seed, code=code_of(seed))
    assert second_step.has_second_step(maya)
    assert second_step.accept_code(maya, code_of(seed)) is None
    assert "turned on" in newest_mail(maya.email).text


def test_a_wrong_first_code_turns_nothing_on(maya, moving_clock) -> None:
    with pytest.raises(ValidationFailedError):
        second_step.turn_on(by=maya, seed=second_step.pending_seed({}), code="000000")
    assert not second_step.has_second_step(maya)


def test_it_is_turned_on_once(maya, moving_clock) -> None:
    enrol(maya)
    seed = second_step.pending_seed({})
    with pytest.raises(ConflictError):
        second_step.turn_on(by=maya, seed=seed, code=code_of(seed))


def test_turning_it_off_forgets_everything(maya) -> None:
    enrol(maya)
    second_step.turn_off(by=maya)
    second_step.turn_off(by=maya)
    assert not Authenticator.objects.exists()
    assert "turned off" in newest_mail(maya.email).text


def test_staff_cannot_turn_it_off() -> None:
    """Spec: S17.2."""
    staff = VerifiedUserFactory(role=Role.SUPPORT)
    with pytest.raises(ForbiddenError):
        second_step.turn_off(by=staff)
    assert second_step.has_second_step(staff)


@pytest.mark.parametrize(
    ("is_demo", "is_prod", "must"), [(0, 0, 1), (1, 0, 0), (1, 1, 1), (0, 1, 1)]
)
def test_only_the_demo_is_excused_and_never_on_prod(settings, is_demo, is_prod, must) -> None:
    """Spec: G15, S17.2."""
    settings.IS_PROD = bool(is_prod)
    assert second_step.must_enrol(UserFactory(is_demo=bool(is_demo))) == bool(must)
