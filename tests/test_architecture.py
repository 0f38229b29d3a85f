"""The house rules that a machine can hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("instainstru", "privacy", "analytics", "accounts", "catalog", "search", "bookings")
SOURCES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if not {"mail", "email"} & set(path.parts)
)


def test_no_module_hides_logic_in_signal_receivers() -> None:
    assert not [
        path for path in SOURCES if re.search(r"^@receiver", path.read_text(), re.MULTILINE)
    ]


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "helpers", "common", "core", "misc"}
    assert not [path for path in SOURCES if path.stem in drawers]


def test_no_file_is_longer_than_500_lines() -> None:
    assert not [path for path in SOURCES if len(path.read_text().splitlines()) > 500]


@pytest.mark.S17
def test_templates_carry_no_inline_script_or_style() -> None:
    """Spec: S17.1."""
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=\"", re.IGNORECASE
    )
    tags = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
    assert not [path for path in TEMPLATES if inline.search(tags.sub("", path.read_text()))]


def test_layers_point_downwards() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_file_names_a_package_host() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text()
