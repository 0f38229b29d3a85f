"""The pinned files fit the declared dependencies. Spec: 12 section 6."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PLACE = re.compile(r"https?://|^\s*-{1,2}(index|extra|find|trusted|i |f )", re.MULTILINE)
PIN = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


def pins_of(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {canonicalize_name(package): version for package, version in PIN.findall(text)}


def declared(name: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = list(project["dependencies"])
    if name == "dev":
        texts += project["optional-dependencies"]["dev"]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", ["base", "dev"])
def test_every_declared_dependency_is_pinned_within_its_bounds(name: str) -> None:
    pins = pins_of(name)
    for requirement in declared(name):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_tests_run_on_the_versions_that_the_site_runs_on() -> None:
    base, dev = pins_of("base"), pins_of("dev")
    assert {name: dev.get(name) for name in base} == base


@pytest.mark.parametrize("name", ["base", "dev"])
def test_pins_name_no_place_to_fetch_from(name: str) -> None:
    assert not PLACE.search((ROOT / "requirements" / f"{name}.txt").read_text())
