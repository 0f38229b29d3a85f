"""Scores of the main pages of a running demo site, as on a phone; run it by ``bin/lighthouse``.

Start the site without DEBUG, so that files and pages are sent as they are when deployed.
"""

import json
import os
import subprocess
import sys
from typing import Any

from tests.e2e.conftest import ARGUMENTS, find_chromium
from tests.e2e.screenshots import QUERY, sign_in

LEAST = 95
TOOL = "lighthouse@12"
KINDS = ("performance", "accessibility", "best-practices", "seo")
UNLISTED = "is-crawlable"
"""What search engines must leave out fails this audit on purpose (Spec: S10.8)."""


def measure(url: str, *, cookie: str = "", is_listed: bool = True) -> dict[str, int]:
    """Return the four scores of a page, 0 to 100."""
    command = [
        "npx", "--yes", TOOL, url, "--quiet", "--output=json", "--output-path=stdout",
        f"--chrome-flags={' '.join(['--headless=new', *ARGUMENTS])}",
    ]  # fmt: skip
    if cookie:
        command.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    if not is_listed:
        command.append(f"--skip-audits={UNLISTED}")
    environment = {**os.environ, "CHROME_PATH": find_chromium() or ""}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    report = json.loads(done.stdout)
    return {kind: round(100 * report["categories"][kind]["score"]) for kind in KINDS}


def walk(page: Any, site: str) -> dict[str, dict[str, int]]:
    """Measure the pages of the path; the last one as the demo student."""
    page.goto(f"{site}{QUERY}")
    profile = page.locator("a.card-link").first.get_attribute("href").split("?")[0]
    found = {
        "home": measure(f"{site}/"),
        "results": measure(f"{site}{QUERY}", is_listed=False),
        "profile": measure(f"{site}{profile}"),
    }
    sign_in(page, site)
    cookie = "; ".join(f"{row['name']}={row['value']}" for row in page.context.cookies())
    found["My Lessons"] = measure(f"{site}/lessons/", cookie=cookie, is_listed=False)
    return found


def main() -> None:
    """Print a row for each page; exit 1 when one of them is below the least."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        found = walk(browser.new_page(), sys.argv[1].rstrip("/"))
        browser.close()
    lines = [
        "| Page | Performance | Accessibility | Best practices | SEO |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {' | '.join(map(str, row.values()))} |" for name, row in found.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(any(score < LEAST for row in found.values() for score in row.values()))


if __name__ == "__main__":
    main()
