import pytest

from apimctl.domain.lifecycle import API_VERBS, SERVING, SUBSCRIBABLE, api_verbs, next_api_state
from apimctl.domain.models import ApiState

TRANSITIONS = """
            CREATED    PROTOTYPED PUBLISHED  BLOCKED    DEPRECATED RETIRED
publish     PUBLISHED  PUBLISHED  PUBLISHED  -          PUBLISHED  -
block       -          BLOCKED    BLOCKED    BLOCKED    BLOCKED    -
unblock     -          -          PUBLISHED  PUBLISHED  -          -
deprecate   -          -          DEPRECATED DEPRECATED DEPRECATED -
retire      -          -          -          RETIRED    RETIRED    RETIRED
"""
STATES, *ROWS = (line.split() for line in TRANSITIONS.strip().splitlines())


@pytest.mark.parametrize(
    ("verb", "state", "following"),
    [
        (verb, state, following)
        for verb, *row in ROWS
        for state, following in zip(STATES, row, strict=True)
    ],
)
def test_a_verb_leads_to_its_state_or_may_not_follow(verb, state, following):
    assert (next_api_state(verb, ApiState(state)) or "-") == following


@pytest.mark.parametrize("state", ApiState)
def test_the_verbs_of_a_state_are_those_that_lead_to_another(state):
    leading = [verb for verb in API_VERBS if next_api_state(verb, state) not in {None, state}]
    assert api_verbs(state) == leading


@pytest.mark.parametrize("before", ["PUBLISHED", "DEPRECATED", "PROTOTYPED"])
def test_unblocking_leads_back_to_what_was_blocked(before):
    blocked_from = ApiState(before)
    assert next_api_state("unblock", ApiState.BLOCKED, blocked_from=blocked_from) is blocked_from


@pytest.mark.parametrize(("verb", "state"), [("retire", "RETIRED"), ("deprecate", "DEPRECATED")])
def test_what_else_may_follow_a_block_does_not_ask_what_was_before(verb, state):
    for before in (ApiState.PROTOTYPED, None):
        assert next_api_state(verb, ApiState.BLOCKED, blocked_from=before) == state


def test_the_table_knows_every_verb_and_state():
    assert {verb for verb, *_ in ROWS} == set(API_VERBS)
    assert set(STATES) == set(ApiState)


def test_who_serves_and_who_may_still_be_subscribed_to():
    assert sorted(SERVING) == ["DEPRECATED", "PROTOTYPED", "PUBLISHED"]
    assert sorted(SUBSCRIBABLE) == ["PROTOTYPED", "PUBLISHED"]
