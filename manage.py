#!/usr/bin/env python
"""Entry point for every management command; the database guard decides first."""

import os
import sys


def main() -> None:
    """Run one management command under the command guard."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
    from instainstru.database.commands import execute

    execute(sys.argv)


if __name__ == "__main__":
    main()
