"""One style sheet over the wire, many files to read."""

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import brotli
from django.core.files.base import ContentFile
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

SHEET: Final = "css/site.css"
IMPORT: Final = re.compile(r'@import url\("([^"]+)"\);\n?')
ADDRESS: Final = re.compile(r'url\("(?!data:|#)([^"]+)"\)')

# The best quality, 11, takes more than twice as long for 2 % fewer bytes.
BROTLI_QUALITY: Final = 10

MODULES: Final = (
    "js/*.js",
    (
        (r"""(?P<matched>import\("(?P<url>\.[^"]+)"\))""", 'import("%(url)s")'),
        (r"""(?P<matched>from "(?P<url>\.[^"]+)")""", 'from "%(url)s"'),
    ),
)


class QuickCompressor(Compressor):  # type: ignore[misc]
    """Compresses nearly as well as WhiteNoise's own, in less than half the time."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """Return the data in Brotli's form."""
        return brotli.compress(data, quality=BROTLI_QUALITY)


class BundlingStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Puts the files that ``css/site.css`` imports in their places; hashes module imports too.

    Without ``collectstatic`` (DEBUG, tests) the browser follows the same imports itself.
    """

    # Django's own switch for modules also rewrites third-party files, which name files they lack.
    patterns = (*CompressedManifestStaticFilesStorage.patterns, MODULES)

    def create_compressor(self, **options: Any) -> Compressor:
        """Return what compresses the collected files; WhiteNoise's hook."""
        return QuickCompressor(**options)

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        """Write the bundle, then hash and compress everything as before."""
        if SHEET in paths and not dry_run:
            sheet = bundle_css(SHEET, lambda name: _source(paths, name))
            self.delete(SHEET)
            self._save(SHEET, ContentFile(sheet.encode()))
            # Hashing reads what this names: the bundle, not the file of imports.
            paths = {**paths, SHEET: (self, SHEET)}
        yield from super().post_process(paths, dry_run, **options)


def _source(paths: dict[str, Any], name: str) -> str:
    storage, path = paths[name]
    with storage.open(path) as file:
        return str(file.read().decode())


def bundle_css(name: str, read: Callable[[str], str]) -> str:
    """Return a sheet with its imports in their places, addresses relative to the sheet."""

    def fill(found: re.Match[str]) -> str:
        part = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[1]))
        return ADDRESS.sub(lambda address: _moved(address[1], part, name), read(part))

    return IMPORT.sub(fill, read(name))


def _moved(address: str, part: str, name: str) -> str:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(part), address))
    return f'url("{posixpath.relpath(target, posixpath.dirname(name))}")'
