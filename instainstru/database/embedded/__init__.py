"""PostgreSQL and Valkey of the INT and STG tiers, run as child processes under `var/`.

One supervisor process per folder and tier runs both servers. It lives as long as any process
holds the tier's client lock; the kernel drops that lock with the process, however it ends.
Nothing here imports Django. Spec: 01 section 1, S1.19; 12 section 1.
"""

from instainstru.database.embedded.client import (
    ensure_running,
    release,
    remove_data,
    stop_and_wait,
)
from instainstru.database.embedded.layout import (
    EmbeddedServers,
    EmbeddedServersError,
    addresses,
)

__all__ = [
    "EmbeddedServers",
    "EmbeddedServersError",
    "addresses",
    "ensure_running",
    "release",
    "remove_data",
    "stop_and_wait",
]
