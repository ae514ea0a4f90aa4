import pytest

from apimctl.domain import credentials
from apimctl.domain.models import GrantType, KeyType, TokenFormat
from apimctl.errors import ConflictError, DeniedError, NotFoundError
from apimctl.services import applications, keys, subscriptions
from apimctl.services.applications import ApplicationForm
from apimctl.tables import access_tokens
from apimctl.tables.changes import ChangeKind


def test_names_are_unique_among_an_owners_applications(desk):
    desk.user("alice")
    desk.application("shop")
    theirs = desk.application("shop", owner="alice")
    with pytest.raises(ConflictError) as caught:
        desk.application("shop")
    assert caught.value.message == "admin has an application 'shop' already"
    with pytest.raises(ConflictError) as caught:
        applications.resolve(desk.db, "shop")
    assert caught.value.hint == "Say whose: --owner admin or --owner alice."
    assert applications.resolve(desk.db, "shop", owner="alice") == theirs
    assert applications.resolve(desk.db, "shop", owner="PRIMARY/alice") == theirs


def test_the_default_application_is_that_of_admin_whoever_else_has_one(desk):
    ours = desk.default
    desk.user("alice")
    theirs = desk.application("DefaultApplication", owner="alice")
    assert applications.resolve(desk.db, "DefaultApplication") == ours
    assert applications.resolve(desk.db, "DefaultApplication", owner="alice") == theirs
    assert applications.resolve(desk.db, "DefaultApplication", owner="admin") == ours


def test_a_list_is_narrowed_by_name_by_owner_by_both_or_not_at_all(desk):
    desk.user("alice")
    ours, theirs = desk.application("shop"), desk.application("shop", owner="alice")
    assert applications.choose(desk.db, None, owner=None) == applications.list_all(desk.db)
    assert applications.choose(desk.db, None, owner="alice") == [theirs]
    assert set(applications.choose(desk.db, None, owner="admin")) == {desk.default, ours}
    assert applications.choose(desk.db, "shop", owner="alice") == [theirs]
    with pytest.raises(ConflictError):
        applications.choose(desk.db, "shop", owner=None)
    for name, owner in ((None, "bob"), ("shop", "bob"), ("stall", None), ("stall", "alice")):
        with pytest.raises(NotFoundError):
            applications.choose(desk.db, name, owner=owner)


def test_names_are_kept_without_space_around_them_and_with_case(desk):
    assert desk.application("  My Shop ").name == "My Shop"
    assert desk.application("my shop").name == "my shop"


@pytest.mark.parametrize(
    ("name", "owner", "said"),
    [
        ("shop", None, "there is no application 'shop'"),
        ("DefaultApplication", "alice", "there is no application 'DefaultApplication' of alice"),
        ("DefaultApplication", "bob", "there is no user 'bob'"),
        ("", None, "there is no application ''"),
    ],
)
def test_what_is_not_there_is_not_found(desk, name, owner, said):
    desk.user("alice")
    with pytest.raises(NotFoundError, match=said):
        applications.resolve(desk.db, name, owner=owner)


@pytest.mark.parametrize("option", [{"owner": "bob"}, {"tier": "Platinum"}])
def test_an_application_needs_an_owner_and_a_tier_that_are_there(desk, option):
    with pytest.raises(NotFoundError):
        desk.application("shop", **option)


def test_an_update_changes_what_it_names(desk):
    made = desk.application("shop", callback_urls=["http://127.0.0.1/back", "http://127.0.0.1/2"])
    changed = applications.update(desk.db, made, ApplicationForm(tier="Gold"), name="store")
    assert (changed.name, changed.tier) == ("store", "Gold")
    assert changed.callback_urls == ("http://127.0.0.1/back", "http://127.0.0.1/2")
    assert applications.resolve(desk.db, "store") == changed
    changed = applications.update(
        desk.db, changed, ApplicationForm(callback_urls=[""], description="new")
    )
    assert (changed.callback_urls, changed.description) == ((), "new")
    with pytest.raises(ConflictError):
        applications.update(desk.db, changed, ApplicationForm(), name="DefaultApplication")
    applications.update(desk.db, changed, ApplicationForm(), name="store")


def test_the_default_application_keeps_its_name_and_stays(desk):
    with pytest.raises(DeniedError):
        applications.update(desk.db, desk.default, ApplicationForm(), name="other")
    with pytest.raises(DeniedError):
        applications.delete(desk.db, desk.default)
    assert applications.update(desk.db, desk.default, ApplicationForm(tier="Gold")).tier == "Gold"


def test_deleting_takes_keys_tokens_and_subscriptions(desk):
    shop, api = desk.application("shop"), desk.api()
    desk.subscribe(shop, api)
    desk.subscribe(desk.default, api)
    texts = [desk.generate(shop, key_type).issued.access_token for key_type in KeyType]
    kept = desk.generate()
    with desk.announcing() as announced:
        applications.delete(desk.db, shop)
    digests = [credentials.digest(text) for text in texts]
    assert all(access_tokens.find(desk.db, digest, partition="0") is None for digest in digests)
    assert desk.state(kept.issued.access_token) == "ACTIVE"
    assert [app for _, app in keys.list_with_applications(desk.db)] == [desk.default]
    assert [app for _, app, _ in subscriptions.list_whole(desk.db)] == [desk.default]
    assert {kind for kind, _ in announced} == {ChangeKind.KEY, ChangeKind.SUBSCRIPTIONS}
    assert len(announced) == 3


def test_grants_are_all_until_they_are_narrowed_and_all_again_with_none_named(desk):
    made = desk.application("shop")
    assert made.grants is None
    narrowed = ApplicationForm(grants={GrantType.PASSWORD})
    changed = applications.update(desk.db, made, narrowed)
    assert changed.grants == {GrantType.PASSWORD}
    assert applications.resolve(desk.db, "shop") == changed
    assert applications.update(desk.db, changed, ApplicationForm(grants=())).grants is None


def test_an_application_says_what_its_tokens_look_like_and_whether_it_keeps_secrets(desk):
    made = desk.application("shop", token_format=TokenFormat.JWT, is_public=True)
    assert applications.resolve(desk.db, "shop") == made
    assert (made.token_format, made.is_public) == (TokenFormat.JWT, True)
    plain = ApplicationForm(token_format=TokenFormat.OPAQUE, is_public=False)
    changed = applications.update(desk.db, made, plain)
    assert (changed.token_format, changed.is_public) == (TokenFormat.OPAQUE, False)


def test_another_users_application_of_the_default_ones_name_is_one_like_any_other(desk):
    desk.user("alice")
    theirs = desk.application("DefaultApplication", owner="alice")
    assert (applications.is_default(desk.default), applications.is_default(theirs)) == (True, False)
    with pytest.raises(DeniedError):
        applications.delete(desk.db, desk.default)
    renamed = applications.update(desk.db, theirs, ApplicationForm(), name="other")
    applications.delete(desk.db, renamed)
    assert applications.list_all(desk.db) == [desk.default]


def test_a_grant_may_be_used_where_the_login_api_and_the_application_allow_it(desk):
    grant, other = GrantType.REFRESH_TOKEN, GrantType.PASSWORD
    for grants, allowed, may in (
        (None, {grant}, True),
        ((grant,), {grant, other}, True),
        ((other,), {grant, other}, False),
        (None, {other}, False),
    ):
        made = desk.application(f"{grants} {allowed}", grants=grants)
        assert applications.may_use(made, grant, allowed=allowed) is may
