"""`manage.py up`: the whole site on one machine, in one terminal."""

import contextlib
import http.client
import os
import signal
import socket
import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction
from importlib.util import find_spec
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.demo import DEMO_PASSWORD
from instainstru.database import embedded
from instainstru.database.embedded.locks import open_lock, try_exclusive
from instainstru.database.tiers import Tier
from instainstru.preparation import prepare_database, timed
from instainstru.processes import STOP_SECONDS, Process, ProcessEndedError, ProcessGroup
from instainstru.staticfiles import collect_if_changed
from instainstru.web_server import granian_command, pool_size

READY_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 1.0
DEMO_ACCOUNTS: Final = ("student", "instructor", "staff")
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RELOADED: Final = ("instainstru", "privacy", "accounts", "catalog", "search", "bookings")


class StopAskedError(Exception):
    """Ctrl-C or SIGTERM: everything that was started must end."""


class Command(BaseCommand):
    """Runs web, worker and beat, and before them whatever they need.

    On INT and STG it starts the embedded servers where no URL is set, migrates, fills an empty
    database and collects the static files; production's release step has done that already.
    Ctrl-C and SIGTERM end everything it started. Spec: 12 section 1.
    """

    help = "Run the site: web, worker and beat, with embedded servers where no URL is set."
    requires_system_checks = ("start",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--reload",
            action=BooleanOptionalAction,
            default=settings.DEBUG and find_spec("watchfiles") is not None,
            help="restart the web part when code changes (default: with DEBUG)",
        )
        parser.add_argument("--no-worker", action="store_true", help="web only")

    def handle(self, *_args: Any, **options: Any) -> None:
        for number in ENDINGS:
            signal.signal(number, _stop_asked)
        self.tier: Tier = settings.DECISION.tier
        self.host, self.port = options["host"], options["port"]
        self.step = timed(self._say)
        self._refuse_taken_port()
        lock = self._lock_tier()
        try:
            self._prepare()
            self._serve(ProcessGroup(self._processes(options), self._pass_on))
        except StopAskedError:
            pass
        except embedded.EmbeddedServersError as error:
            raise CommandError(error.message) from error
        finally:
            self._ignore_signals()
            self._let_go()
            os.close(lock)
            self._say("Stopped")

    # --- before the site runs --------------------------------------------------------------------
    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OverflowError:
                raise CommandError("--port must be a number from 1 to 65535") from None
            except OSError as error:
                message = f"{self.host}:{self.port} cannot be used: {error.strerror}; try --port"
                raise CommandError(message) from None

    def _lock_tier(self) -> int:
        """Allow one site per folder and tier, and so one beat."""
        path = settings.VAR_DIR / "run" / f"{self.tier.value}.up"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open_lock(path)
        if not try_exclusive(lock):
            raise CommandError(f"the {self.tier.name} site is running already; stop it first")
        return lock

    def _prepare(self) -> None:
        if settings.DECISION.needs_embedded_servers:
            with self.step("Starting PostgreSQL and Valkey"):
                embedded.ensure_running(self.tier.value, settings.VAR_DIR, on_progress=self._detail)
        if self.tier is Tier.PROD:
            return
        prepare_database(self.step)
        if not settings.DEBUG:
            with self.step("Collecting static files"):
                collect_if_changed()
        connections.close_all()

    # --- while it runs ---------------------------------------------------------------------------
    def _processes(self, options: dict[str, Any]) -> list[Process]:
        environment = {**os.environ, "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        # A container's only user is root; Celery need not say so in ten lines.
        environment.setdefault("PYTHONWARNINGS", "ignore:You're running the worker")
        # A size of one's own stands; without one the processes share the connections.
        web_environment = {"DATABASE_POOL_SIZE": str(pool_size())} | environment
        web_command = self._web_command(is_reloading=options["reload"])
        web = Process("web", web_command, web_environment)
        if options["no_worker"]:
            return [web]
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "instainstru"]
        # Gossip, mingle and heartbeats only cost commands where one worker runs (Spec: S4.4).
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        worker = [*celery, "worker", "--loglevel", "WARNING", "--concurrency", "2", *quiet]
        beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]
        return [web, Process("worker", worker, environment), Process("beat", beat, environment)]

    def _web_command(self, *, is_reloading: bool) -> list[str]:
        command = granian_command("instainstru.wsgi:application", host=self.host, port=self.port)
        if is_reloading:
            paths = [settings.BASE_DIR / name for name in RELOADED]
            command += ["--reload", "--reload-ignore-worker-failure"]
            command += [f"--reload-paths={path}" for path in paths]
        return command

    def _serve(self, group: ProcessGroup) -> None:
        try:
            with self.step("Starting web"):
                group.start()
                self._wait_for_answer(group)
            group.declare_ready()
            self._greet()
            while True:
                group.tick(LOOK_SECONDS)
                if settings.DECISION.needs_embedded_servers:
                    embedded.ensure_running(self.tier.value, settings.VAR_DIR)
        except ProcessEndedError as error:
            raise CommandError(f"{error}; everything is stopped") from None
        finally:
            self._ignore_signals()
            self._say(f"Stopping (up to {STOP_SECONDS:.0f} s) …")
            group.stop()

    def _wait_for_answer(self, group: ProcessGroup) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_answering():
            if time.monotonic() > deadline:
                raise CommandError(f"the site does not answer within {READY_SECONDS:.0f} s")
            group.tick(0.1)

    def _is_answering(self) -> bool:
        call = http.client.HTTPConnection(self.host, self.port, timeout=2)
        with contextlib.closing(call):
            try:
                call.request("GET", "/healthz")
                return call.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
            except (OSError, http.client.HTTPException):
                return False

    def _let_go(self) -> None:
        connections.close_all()
        if settings.DECISION.needs_embedded_servers:
            embedded.stop_and_wait(self.tier.value, settings.VAR_DIR)

    def _ignore_signals(self) -> None:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)

    # --- what people see -------------------------------------------------------------------------
    def _greet(self) -> None:
        address = f"http://{self.host}:{self.port}"
        lines = [f"InstaInstru is running at {address}/", f"  Tier      {self.tier.badge}"]
        if self.tier is not Tier.PROD:
            people = ", ".join(f"{name}@instainstru.test" for name in DEMO_ACCOUNTS)
            lines.append(f"  Accounts  {people}, password {DEMO_PASSWORD}")
            lines.append(f"  Mail      {address}/dev/mail/")
        self._say("\n".join([*lines, "  Stop      Ctrl-C"]))

    def _detail(self, text: str) -> None:
        self._say(f"  {text}")

    def _pass_on(self, name: str, line: str) -> None:
        self._say(f"{name:<6} | {line}")

    def _say(self, text: str) -> None:
        # The terminal may be gone; whatever was started must end in order all the same.
        with contextlib.suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()


def _stop_asked(_number: int, _frame: object) -> None:
    raise StopAskedError
