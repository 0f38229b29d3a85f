"""How a backup says no."""

from instainstru.errors import ApplicationError


class BackupError(ApplicationError):
    """A backup could not be made, is not what its manifest says, or fits nowhere here."""

    status = 503
    code = "backup"
