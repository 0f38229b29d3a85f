"""Why a calendar was refused or cannot be read, in words; never with its address."""

from typing import Final

_WORDS: Final = {
    "malformed": "This is not an address that we can read.",
    "not_https": "Use an address that begins with https://",
    "credentials": "Use an address without a user name and password in it.",
    "port": "Use an address without a port number.",
    "not_public": "This address is not on the public internet.",
    "unknown_host": "There is no site of this name.",
    "too_slow": "The site took longer than 10 seconds.",
    "certificate": "The site's certificate is not valid.",
    "unreachable": "The site gave no proper answer.",
    "redirects": "The site sends us on too often.",
    "refused": "The site has no calendar at this address, or does not show it to us.",
    "too_large": "The calendar is larger than 1 MB.",
    "not_a_calendar": "What is at this address is not a calendar.",
    "too_much": "The calendar holds more events or repetitions than we read.",
    "sealed": "We can't open the stored address any more. Please connect the calendar again.",
}


def fault_words(code: str) -> str:
    """Return the sentence of a code; empty for none."""
    return _WORDS.get(code, _WORDS["unreachable"]) if code else ""
