from dataclasses import replace

import pytest

from apimctl.domain.models import ApiState
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import apis, subscriptions
from apimctl.services.apis import ApiForm
from apimctl.tables.changes import ChangeKind

API_CHANGED = [(ChangeKind.API, "")]


def test_an_api_is_what_was_said_of_it(desk):
    with desk.announcing() as announced:
        made = desk.api(tiers=("Gold", "Bronze", "Gold"), description="  Search  ")
    assert apis.resolve(desk.db, "twitter") == made
    assert (made.tiers, made.description) == (("Gold", "Bronze"), "Search")
    assert made.created_at == desk.now
    assert announced == API_CHANGED


CLASHES = [
    (("twitter", "1.0.0"), {}, "there is an API twitter:1.0.0 already"),
    (("twitter", "2.0.0"), {"context": "/tw"}, "twitter:1.0.0 has the context /twitter"),
    (("other", "2.0.0"), {"context": "/twitter"}, "/twitter belongs to twitter:1.0.0"),
    (("other", "1.0.0"), {"context": "/twitter"}, "/twitter belongs to twitter:1.0.0"),
    (
        ("other", "2"),
        {"context": "/twitter/1.0.0", "is_default_version": True},
        "the path /twitter/1.0.0/2 belongs to twitter:1.0.0",
    ),
    (
        ("other", "2"),
        {"context": "/twitter/1.0.0/deeper"},
        "the path /twitter/1.0.0/deeper/2 belongs to twitter:1.0.0",
    ),
]


@pytest.mark.parametrize(("names", "options", "said"), CLASHES)
def test_a_clash_is_a_conflict_that_adds_nothing(desk, names, options, said):
    desk.api()
    with desk.announcing() as announced, pytest.raises(ConflictError) as caught:
        desk.api(*names, **options)
    assert said in caught.value.message
    assert caught.value.hint
    assert announced == []
    assert [api.reference for api in apis.list_all(desk.db)] == ["twitter:1.0.0"]


def test_versions_of_one_api_share_its_context(desk):
    for version in ("1.0.0", "2.0.0"):
        desk.api(version=version)
    assert [api.reference for api in apis.list_all(desk.db)] == ["twitter:1.0.0", "twitter:2.0.0"]


def test_a_path_above_anothers_is_a_clash_as_one_below_it_is(desk):
    desk.api("deep", "2", context="/twitter/1.0.0")
    with pytest.raises(ConflictError) as caught:
        desk.api()
    assert caught.value.message == "the path /twitter/1.0.0/2 belongs to deep:2"


def test_paths_that_only_begin_alike_do_not_clash(desk):
    desk.api()
    desk.api("tweets", "1", context="/twitter/1.0.0-beta")
    desk.api("more", "1.0.0", context="/twitter2")
    assert len(apis.list_all(desk.db)) == 3


def test_becoming_the_default_may_clash_with_a_deeper_context(desk):
    desk.api("deep", "2", context="/twitter/a")
    desk.api()
    with pytest.raises(ConflictError) as caught:
        apis.update(desk.db, "twitter", ApiForm(is_default_version=True))
    assert caught.value.message == "the path /twitter/a/2 belongs to deep:2"
    assert not apis.resolve(desk.db, "twitter").is_default_version


def test_a_reference_names_one_version(desk):
    first, second = desk.api(version="1"), desk.api(version="2")
    assert apis.resolve(desk.db, "twitter:1") == first
    with pytest.raises(ConflictError) as caught:
        apis.resolve(desk.db, "twitter")
    assert caught.value.hint == "Name one: twitter:1, twitter:2."
    apis.update(desk.db, "twitter:2", ApiForm(is_default_version=True))
    assert apis.resolve(desk.db, "twitter") == replace(second, is_default_version=True)
    apis.update(desk.db, "twitter:1", ApiForm(is_default_version=True))
    assert apis.resolve(desk.db, "twitter") == replace(first, is_default_version=True)
    assert not apis.resolve(desk.db, "twitter:2").is_default_version


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("twitter:3", "There is twitter:1.0.0."),
        ("twitter:", "There is twitter:1.0.0."),
        ("facebook", "apimctl api list shows them all."),
        ("", "apimctl api list shows them all."),
        ("Twitter", "apimctl api list shows them all."),
    ],
)
def test_an_unknown_reference_is_not_found(desk, reference, hint):
    desk.api()
    with pytest.raises(NotFoundError) as caught:
        apis.resolve(desk.db, reference)
    assert caught.value.hint == hint


def test_an_api_needs_a_backend_and_keeps_one(desk):
    with pytest.raises(InvalidInputError, match="has no backend"):
        desk.api(production_url=None)
    desk.api()
    with pytest.raises(InvalidInputError, match="has no backend"):
        apis.update(desk.db, "twitter", ApiForm(production_url=""))
    changed = apis.update(
        desk.db, "twitter", ApiForm(production_url="", sandbox_url="http://127.0.0.1:1")
    )
    assert (changed.production_url, changed.sandbox_url) == (None, "http://127.0.0.1:1")


def test_an_update_changes_what_it_names_and_is_announced(desk):
    made = desk.api(tiers=("Gold",), description="one")
    with desk.announcing() as announced:
        apis.update(desk.db, "twitter", ApiForm(description="two"))
    assert apis.resolve(desk.db, "twitter") == replace(made, description="two")
    assert announced == API_CHANGED


def test_a_tier_that_is_not_there_is_not_found(desk):
    with pytest.raises(NotFoundError, match="no tier 'Platinum'"):
        desk.api(tiers=("Gold", "Platinum"))
    assert apis.list_all(desk.db) == []


LIFE = [
    ("publish", ApiState.PUBLISHED),
    ("publish", ApiState.PUBLISHED),
    ("block", ApiState.BLOCKED),
    ("unblock", ApiState.PUBLISHED),
    ("deprecate", ApiState.DEPRECATED),
    ("retire", ApiState.RETIRED),
]


def test_the_life_of_an_api_is_announced_step_by_step(desk):
    desk.api(state=ApiState.CREATED)
    for verb, state in LIFE:
        with desk.announcing() as announced:
            assert apis.change_state(desk.db, "twitter", verb).state is state
        assert apis.resolve(desk.db, "twitter").state is state
        assert announced == API_CHANGED


@pytest.mark.parametrize("state", [ApiState.DEPRECATED, ApiState.PROTOTYPED, ApiState.PUBLISHED])
def test_unblocking_leads_back_to_what_was_blocked_also_after_a_second_block(desk, state):
    desk.api(state=state)
    for blocks in (["block"], ["block"], ["block", "block"]):
        for verb in blocks:
            assert apis.change_state(desk.db, "twitter", verb).state is ApiState.BLOCKED
        assert apis.resolve(desk.db, "twitter").blocked_from is state
        assert apis.change_state(desk.db, "twitter", "unblock").state is state
        assert apis.resolve(desk.db, "twitter").blocked_from is None


@pytest.mark.parametrize("verb", ["retire", "deprecate"])
def test_a_blocked_api_may_be_retired_and_forgets_what_it_was(desk, verb):
    desk.api(state=ApiState.PROTOTYPED)
    apis.change_state(desk.db, "twitter", "block")
    apis.update(desk.db, "twitter", ApiForm(description="blocked"))
    assert apis.resolve(desk.db, "twitter").blocked_from is ApiState.PROTOTYPED
    assert apis.change_state(desk.db, "twitter", verb).blocked_from is None
    assert apis.resolve(desk.db, "twitter").blocked_from is None


def test_an_api_that_was_deprecated_while_blocked_is_deprecated_behind_the_next_block(desk):
    desk.api()
    for verb in ("block", "deprecate", "block", "unblock"):
        changed = apis.change_state(desk.db, "twitter", verb)
    assert changed.state is ApiState.DEPRECATED


@pytest.mark.parametrize("verb", ["publish", "block", "unblock", "deprecate"])
def test_a_retired_api_stays_retired(desk, verb):
    desk.api(state=ApiState.RETIRED)
    with desk.announcing() as announced, pytest.raises(ConflictError) as caught:
        apis.change_state(desk.db, "twitter", verb)
    assert caught.value.message == f"twitter:1.0.0 is RETIRED: it cannot {verb}"
    assert announced == []


def test_deleting_an_api_takes_its_subscriptions_and_leaves_other_versions(desk):
    doomed, kept = desk.api(version="1"), desk.api(version="2")
    for api in (doomed, kept):
        desk.subscribe(desk.default, api)
    with desk.announcing() as announced:
        apis.delete(desk.db, "twitter:1")
    assert announced == API_CHANGED
    assert apis.list_all(desk.db) == [kept]
    assert [api for _, _, api in subscriptions.list_whole(desk.db)] == [kept]
