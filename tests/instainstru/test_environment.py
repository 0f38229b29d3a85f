"""A wrong value in the environment is one line that names it. Spec: 12 section 5."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instainstru import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("text", ["abc", "-1", "0", "65536", "8000.5", "٨٠٠٠", "1e3"])
def test_a_number_out_of_bounds_names_its_variable(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(SystemExit, match="PORT must be a whole number from 1 to 65535"):
        environment.whole_number("PORT", default=8000, least=1, most=65_535)


@pytest.mark.parametrize(("text", "expected"), [("", 8000), (" ", 8000), (" 81 ", 81)])
def test_an_empty_number_is_the_default(
    text: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", text)
    assert environment.whole_number("PORT", default=8000, least=1, most=65_535) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), ("FALSE", False), ("0", False), ("True", True), ("1", True)]
)
def test_a_switch_is_read_strictly(
    text: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", text)
    assert environment.flag("DEBUG") is expected


def test_an_unclear_switch_is_not_taken_for_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(SystemExit, match="DEBUG must be true, false or unset"):
        environment.flag("DEBUG")


@pytest.mark.parametrize("text", ["example.com", "ftp://a.example", "http://", "https://a.b/c"])
def test_an_address_without_scheme_or_with_a_path_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", text)
    with pytest.raises(SystemExit, match="SITE_URL must be an address"):
        environment.site_address("SITE_URL", default="http://a.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("LOG_LEVEL", "loud"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("DEBUG", "maybe"),
        ("SITE_URL", "example.com"),
    ],
)
def test_every_command_stops_with_one_line(name: str, value: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"],
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_AUDIT_LOG": str(tmp_path / "audit.jsonl"),
            "VAR_DIR": str(tmp_path),
            name: value,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} must be ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "path"), [("", "admin/"), ("desk", "desk/"), ("/staff/desk/", "staff/desk/")]
)
def test_a_part_of_the_site_may_stand_elsewhere(
    monkeypatch: pytest.MonkeyPatch, text: str, path: str
) -> None:
    """S17.12."""
    monkeypatch.setenv("ADMIN_PATH", text)
    assert environment.folder("ADMIN_PATH", default="admin/") == path


@pytest.mark.parametrize("text", ["Admin", "a b", "../x", "<desk>"])
def test_a_path_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ADMIN_PATH", text)
    with pytest.raises(SystemExit, match="ADMIN_PATH"):
        environment.folder("ADMIN_PATH", default="admin/")
