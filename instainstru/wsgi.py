"""WSGI entry point served by granian."""

import contextlib
import os

import redis
from django.core.wsgi import get_wsgi_application

from instainstru.database import tiers, valkey
from instainstru.database.commands import declare_server
from instainstru.first_request import compile_templates, keep_loaded, open_pages
from search.encoder.embedder import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

application = get_wsgi_application()
declare_server("wsgi")
# Without its cache the site is slower, not down (Spec: S16.4); another tier's cache is refused.
with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
    valkey.require_tier(tiers.decision())
# The first search would wait for the model (S8.10), the first page for templates and queries.
warm_up()
compile_templates()
open_pages(application)
keep_loaded()
