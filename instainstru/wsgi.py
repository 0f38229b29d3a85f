"""WSGI entry point served by granian."""

import os

from django.core.wsgi import get_wsgi_application

from instainstru.database.commands import declare_server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

application = get_wsgi_application()
declare_server("wsgi")
