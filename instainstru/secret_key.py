"""The secret key: from the environment, or generated once per checkout on INT and STG.

Spec: S5.12
"""

import secrets
from pathlib import Path

from instainstru.database.refusals import TierRefusedError
from instainstru.database.tiers import Tier

MIN_LENGTH = 32


def secret_key(tier: Tier, configured: str, var_dir: Path) -> str:
    """Return the key; PROD refuses to start without one of its own, and with a short one."""
    if configured and len(configured) >= MIN_LENGTH:
        return configured
    if configured or tier is Tier.PROD:
        raise TierRefusedError(f"SECRET_KEY must be set to at least {MIN_LENGTH} characters.")
    return generated_text(var_dir / "secret_key")


def generated_text(path: Path) -> str:
    """Return the secret of a file that only we can read, made at first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        fresh.write_text(secrets.token_urlsafe(48))
        fresh.chmod(0o600)
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass  # another process was first; its key is the key
        finally:
            fresh.unlink()
    return path.read_text()
