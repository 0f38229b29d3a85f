"""One style sheet over the wire (performance: at most 12 requests for a first view)."""

import re
from pathlib import Path

import brotli
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from instainstru.bundling import bundle_css

STATIC = Path(settings.BASE_DIR) / "static"
STORAGE = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "instainstru.bundling.BundlingStaticFilesStorage"},
}


def test_imports_are_filled_in_and_addresses_keep_their_target() -> None:
    files = {
        "css/site.css": '@import url("tokens.css");\n@import url("parts/cards.css");\n',
        "css/tokens.css": 'a { src: url("../fonts/x.woff2"); }\n',
        "css/parts/cards.css": 'b { background: url("../../images/y.svg"), url("data:x"); }\n',
    }
    assert bundle_css("css/site.css", files.__getitem__) == (
        'a { src: url("../fonts/x.woff2"); }\n'
        'b { background: url("../images/y.svg"), url("data:x"); }\n'
    )


def test_every_style_file_is_part_of_the_sheet() -> None:
    sheet = (STATIC / "css" / "site.css").read_text()
    imported = set(re.findall(r'@import url\("([^"]+)"\);', sheet))
    css = STATIC / "css"
    there = {str(path.relative_to(css)) for path in css.rglob("*.css")} - {"site.css"}
    assert imported == there


def test_collecting_twice_gives_one_hashed_sheet_and_hashed_modules(tmp_path: Path) -> None:
    # Our own folder alone: compressing the files of other packages takes long and proves nothing.
    ours = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with override_settings(STORAGES=STORAGE, STATIC_ROOT=tmp_path, STATICFILES_FINDERS=ours):
        for _ in range(2):
            call_command("collectstatic", interactive=False, verbosity=0)
            (sheet,) = (tmp_path / "css").glob("site.*[0-9a-f].css")
            text = sheet.read_text()
            assert "@import" not in text
            for address in re.findall(r'url\("?(?!data:)([^")]+)"?\)', text):
                assert (sheet.parent / address).is_file(), address
            assert brotli.decompress(sheet.with_name(f"{sheet.name}.br").read_bytes()) == (
                sheet.read_bytes()
            )
            assert not (tmp_path / "css" / "site.css").exists()
    (script,) = (tmp_path / "js").glob("app.*[0-9a-f].js")
    modules = re.findall(r'import\("([^"]+)"\)', script.read_text())
    assert modules
    for module in modules:
        assert re.search(r"\.[0-9a-f]{12}\.js$", module)
        assert (script.parent / module).is_file()
