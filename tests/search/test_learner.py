"""The learner's age among services: those that are made for others step back."""

import pytest

from search.learner import group_names, suited, with_learner
from search.retrieval import Candidates
from search.snapshot import ServiceEntry

pytestmark = pytest.mark.S8

SERVICES = {
    1: ServiceEntry(1, "Swimming for Adults", "a", "Sports", "sports-fitness", "", frozenset(),
                    "swimming for adults"),
    2: ServiceEntry(2, "Swimming for Kids", "b", "Kids", "kids", "", frozenset(),
                    "swimming for kids"),
    3: ServiceEntry(3, "Open Water", "c", "Sports", "sports-fitness", "", frozenset(),
                    "open water"),
}  # fmt: skip
FOUND = Candidates({1: 1.2, 2: 1.1, 3: 0.9}, "results", "hybrid")


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ({"age": 7}, [2, 3, 1]),
        ({"age": 14}, [2, 3, 1]),
        ({"age": 30}, [1, 3, 2]),
        ({"age_group": "senior"}, [1, 3, 2]),
        ({"age_group": "toddler"}, [2, 3, 1]),
        ({}, [1, 2, 3]),
    ],
)
def test_services_for_other_learners_step_back(said, order):
    """Spec: S8.1, S8.8: nobody of seven is sent to a class for adults; nothing is lost."""
    found = suited(FOUND, said, SERVICES)
    assert list(found.scores) == order
    assert (found.match, found.mode) == ("results", "hybrid")


def test_the_age_of_a_child_is_said_to_the_model_as_the_catalogue_says_it():
    """Spec: S8.8"""
    assert with_learner("swimming lessons", {"age": 7}) == "swimming lessons for kids"
    assert with_learner("swimming lessons", {"age": 40}) == "swimming lessons"
    assert with_learner("", {"age": 7}) == ""


def test_somebody_very_young_is_said_to_the_model_as_a_toddler():
    """Spec: S8.8"""
    assert with_learner("music class", {"age": 1.5}) == "music class for babies and toddlers"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"age": 1.5}, ("kids music", "music")),
        ({"age_group": "kid"}, ("kids music", "music")),
        ({"age": 15}, ("music",)),
        ({"age_group": "adult"}, ("music",)),
        ({}, ("music",)),
    ],
)
def test_a_category_for_a_child_begins_with_what_is_made_for_children(said, names):
    """Spec: S8.1, S8.8"""
    assert group_names("music", said) == names


@pytest.mark.parametrize(("years", "first"), [(1.5, 1), (3, 1), (8, 2)])
def test_services_for_toddlers_come_first_for_toddlers_alone(years, first):
    """Spec: S8.1, S8.8"""
    services = {
        1: ServiceEntry(1, "Parent & Baby Swim", "a", "Kids", "kids", "",
                        frozenset({"parent", "baby", "swim"}), "parent & baby swim"),
        2: ServiceEntry(2, "Swimming for Kids", "b", "Kids", "kids", "",
                        frozenset({"swimming", "kids"}), "swimming for kids"),
    }  # fmt: skip
    found = suited(Candidates({2: 1.1, 1: 1.0}, "results", "hybrid"), {"age": years}, services)
    assert next(iter(found.scores)) == first
