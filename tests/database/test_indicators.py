"""The tier is seen wherever somebody could do something to it. Spec: S1.7."""

import sys

import pytest
from django.contrib import admin
from django.test import RequestFactory

from instainstru.database import commands, tiers

pytestmark = pytest.mark.S1


@pytest.mark.parametrize("tier", list(tiers.Tier))
def test_the_python_shell_names_the_tier_in_its_prompt(
    tier: tiers.Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys, "ps2", "... ", raising=False)
    commands._set_prompt(tier)
    assert f"[{tier.name}]" in sys.ps1
    assert f"\033[{tier.color}m" in sys.ps1
    assert tier.name in sys.ps2


def test_the_admin_names_the_tier_in_its_header(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site, "get_app_list", lambda *_: [])
    monkeypatch.setattr(admin.site, "has_permission", lambda _: True)
    header = admin.site.each_context(rf.get("/admin/"))["site_header"]
    assert tiers.decision().tier.badge in header
