"""The words that turn a limit round: "not", "nothing", "don't want to", "no lessons".

"Not before 5" is a limit below and "nothing over $60" one above. Prices, times and dates ask for
the same words in front of their limits, so that none of them knows fewer than the others.
"""

import re

PERSON = r"(?:teachers?|instructors?|tutors?|coach(?:es)?|trainers?|one|people|somebody|anybody)"
UNTIL = r"(?:(?:earlier|sooner) than|before|until|till?|by|antes de(?: las)?)"

_LESSON = r"(?:lessons?|class(?:es)?|sessions?|slots?|appointments?)"
# What may stand between: no word that undoes the "not", such as "mind", "only" or "have to".
_BETWEEN = (
    r"want|wanna|like|able|to|be|is|are|go|going|come|coming|get|getting|do|doing|does|make|"
    r"making|take|taking|work|works|look|looking|start|starts|starting|end|ends|finish|finished|"
    r"done|out|off|of|back|home|(?:at|in)(?! (?:work|school)\b)|from|with|for|school|free|"
    r"available|open|any|anything|anyone|it|me|us|there|here|that|who|can|really|ready|"
    r"interested|times?|much|a|lot|penny|cent|pay|paying|spend|spending|afford|costs?|costing|"
    rf"charges?|charging|have(?! to)|having|{PERSON}|{_LESSON}"
)
# "I don't work before 5" says when somebody is free; "it doesn't work before 5" rules that out.
_OFF = r"(?:don'?t|doesn'?t|do not|does not) work\b"
_NOT = (
    rf"(?!{_OFF})(?:nor?|none|nothing|nobody|never|cannot|without|pas|"
    r"not(?!(?:(?<=\bdo not)|(?<=\bdoes not)) work\b)|\w+n't|(?:do|does|did|ca|wo|is|are)nt)|"
    rf"(?<!\bi )(?<!\bwe )(?<!\bhe )(?<!\bshe )(?<!\bthey ){_OFF}"
)
NEGATION = (
    rf"(?<![\w'-])(?:but )?(?:{_NOT})(?: (?:{_BETWEEN})){{0,6}}"
    r"(?:(?:(?<=\bno)|(?<=\bany)|(?<=\bwant)) (?!\w+ (?:with|on|about|for|to)\b)"
    rf"(?P<subject>\w+(?: \w+)?) (?:{PERSON}|{_LESSON}))? "
)


def start_of_limit(match: re.Match[str]) -> int:
    """Return where a negated limit begins; its group `limit` alone if the lesson is named before.

    In "no piano lessons before 5" the piano is left for retrieval.
    """
    return match.start("limit") if match["subject"] else match.start()
