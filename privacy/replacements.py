"""What stands in a copy for tests where a person's words stood: expressions of SQL.

`{pk}` is the row's key and `{column}` the column itself. Empty and missing values stay as they
are, and doing it twice gives the same, so that an interrupted run can simply go on.
"""

from typing import Final

EMAIL: Final = "'person-' || {pk} || '@anonymised.invalid'"
NAME: Final = "'Person'"
NUMBER: Final = "({pk})::text"
NUMBERED_NAME: Final = "'Person ' || {pk}"
SLUG: Final = "'person-' || {pk}"
ADDRESS: Final = "{pk} || ' Example Street, New York'"
LINK: Final = "'https://example.invalid/' || {pk}"
CARD_DIGITS: Final = "'0000'"
REFERENCE: Final = "'removed-' || {pk}"
UNUSABLE: Final = "'!'"
NOTHING: Final = "NULL"
# As long as the text was: what the database demands of its length still holds.
TEXT: Final = (
    "left(repeat('Removed from this copy. ', 1 + length({column}) / 24), length({column}))"
)
