"""JSON logs with a request id; no personal data (Spec: S16.2)."""

import hashlib
import hmac
import logging.config
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9-]{8,64}")
QUIET_ROUTES = frozenset({"healthz"})

log = structlog.get_logger("instainstru.request")


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# One list for the life of the process: loggers that were used keep it, also when logging is
# configured again.
PROCESSORS: list[Any] = [*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def configure(options: dict[str, Any]) -> None:
    """Send structlog and standard logging through one JSON renderer on standard error."""
    structlog.configure(
        processors=PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        "foreign_pre_chain": [*SHARED, structlog.stdlib.add_logger_name],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["console"], "level": options["level"]},
            "loggers": {
                "axes": {"level": "ERROR"},  # its warnings name accounts
                "stripe": {"level": "WARNING"},  # below, it writes whole requests
                "django.server": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "django.security": {"level": "WARNING"},
            },
        }
    )


def hashed_user_id(user_id: int) -> str:
    """Return a keyed hash that groups log lines of one person without naming them."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"log:{user_id}".encode(), hashlib.sha256).hexdigest()[:12]


def request_id_of(request: HttpRequest) -> str:
    """Return the request's id: the one it has, the one it came with, or a new one."""
    known: str | None = getattr(request, "request_id", None)
    if known is None:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        known = offered if REQUEST_ID_PATTERN.fullmatch(offered) else uuid.uuid4().hex
        request.request_id = known  # type: ignore[attr-defined]
    return known


class RequestLogMiddleware:
    """Give every request an id, echo it, and write one line when the answer is ready."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the request id to all log lines and time the answer."""
        request_id = request_id_of(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        self._write_line(request, response, started)
        return response

    def _write_line(self, request: HttpRequest, response: HttpResponse, started: float) -> None:
        match = request.resolver_match
        route = match.view_name if match else "unresolved"
        if route in QUIET_ROUTES:
            return
        user = getattr(request, "user", None) if hasattr(request, "_cached_user") else None
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1000, 1),
            user=hashed_user_id(user.pk) if user is not None and user.pk else None,
        )
