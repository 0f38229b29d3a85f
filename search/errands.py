"""Queries that want something done, bought or found, not learnt (Spec: S8.9).

Vectors take "pizza delivery" for a cooking class. Words of trades and errands tell the two apart,
unless somebody says that they want to learn it or names what the catalogue has.
"""

from collections.abc import Iterable

# People who come and do it, instead of teaching it.
_TRADES = """
plumber plumbers plumbing electrician electricians locksmith locksmiths exterminator contractor
contractors roofer cleaner cleaners maid maids housekeeper nanny nannies babysitter babysitters
babysitting sitter au-pair caregiver walker walkers groomer groomers dentist dentists doctor doctors
physician pediatrician dermatologist therapist chiropractor veterinarian vet orthodontist
optometrist surgeon lawyer lawyers attorney attorneys notary accountant realtor realtors landlord
broker hairdresser barber barbershop mechanic mechanics chauffeur taxi uber lyft caterer caterers
florist undertaker bouncer
"""
# Things that are bought, hired, fetched or fixed.
_ERRANDS = """
delivery deliver delivered takeout takeaway reservation reservations appointment appointments hotel
hotels hostel airbnb motel flight flights airline airfare condo sublet roommate roommates lease
mortgage loan loans insurance storage parking laundry laundromat pickup towing tow repair repairs
repairman installation replacement plumbing leak leaking clogged membership memberships sales
discount coupon coupons cheapest order ordering shipping shopping grocery groceries supermarket
pharmacy prescription clinic hospital urgent er ambulance restaurant restaurants brunch burger
burgers diner bar bars nightclub weather forecast subway timetable traffic directions vacancy
vacancies openings salary resume-service passport visa dmv refill removal disposal junk recycling
mattress sofa iphone laptop-repair
"""
# Those of which a name beside them is the goods: "buy a piano", "tennis tickets".
_DEALS = """
buy buying purchase rent rental rentals renting sale store stores shop ticket tickets mover movers
jobs hiring
"""
# Subjects that nobody teaches here, however they are asked for; beside another word they may be
# something else ("golf driving", "drone flying").
_NOT_TAUGHT = """
drive drives driving driver car cars parallel parking permit skydiving scuba diving ski skiing
snowboard snowboarding forklift massage acupuncture plane airplane pilot helicopter hunting
motorcycle
"""
_NOT_TAUGHT_WORDS = frozenset(_NOT_TAUGHT.split())
_DEAL_WORDS = frozenset(_DEALS.split())
ERRAND_WORDS = frozenset(f"{_TRADES} {_ERRANDS} {_DEALS}".split())

# Whoever says one of these wants to learn it.
_LEARNING = """
learn learning lesson lessons class classes course courses tutor tutors tutoring teach teacher
teachers teaching instructor instructors coach coaching workshop workshops train training practice
practise prep preparation beginner beginners basics how study studying exam test certification
improve improving speak speaking english spanish own diy myself
"""
_LEARNING_WORDS = frozenset(_LEARNING.split())


def is_not_taught(words: Iterable[str]) -> bool:
    """Tell whether the folded words of a subject name only what the catalogue does not have."""
    said = set(words)
    return bool(said) and said <= _NOT_TAUGHT_WORDS


def is_errand(
    words: Iterable[str], said: Iterable[str], names: Iterable[frozenset[str]] = ()
) -> bool:
    """Tell whether somebody asks for a trade or an errand and for no lesson in it.

    ``words`` are those of the subject, without place, price and opinions; ``said`` are all, of
    which one may tell that they want to learn. ``names`` are the words of what the catalogue has:
    inside of a name ("bar mitzvah") such a word is no errand, nor beside one ("tennis clinic")
    unless it deals in things.
    Spec: S8.2, S8.9
    """
    subject = frozenset(words)
    errands = subject & ERRAND_WORDS
    if not errands or not _LEARNING_WORDS.isdisjoint(said):
        return False
    others = subject - errands
    if not others:
        return True
    is_deal = not errands.isdisjoint(_DEAL_WORDS)
    return not any(subject <= name or (name and name <= others and not is_deal) for name in names)
