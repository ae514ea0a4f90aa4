import pytest

from apimctl.domain.models import AuthType
from apimctl.domain.scopes import ScopeRefusal
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import apis, renewal, resources, scopes, users
from apimctl.tables.changes import ChangeKind

API_CHANGED = [(ChangeKind.API, "")]


@pytest.fixture
def api(desk):
    return desk.api("shop")


@pytest.fixture
def declare(desk, api):
    def declare(name, *roles, api_name="shop", **form):
        return scopes.declare(desk.db, api_name, name, roles=roles, now=desk.now, **form)

    return declare


@pytest.fixture
def alice(desk):
    return desk.user("alice")


def names(granted):
    return [scope.name for scope in granted.scopes]


def test_a_scope_is_what_was_said_of_it(desk, declare):
    with desk.announcing() as announced:
        made = declare("orders:read", "clerk", "", "boss", "clerk", description="Read orders")
    assert scopes.require(desk.db, "shop", "orders:read") == made
    assert (made.api_name, made.description) == ("shop", "Read orders")
    assert (made.roles, made.created_at) == (("boss", "clerk"), desk.now)
    assert announced == API_CHANGED


def test_a_scope_belongs_to_one_api_in_all_its_versions(desk, declare):
    desk.api("shop", "2.0.0", context="/shop")
    desk.api("other")
    made = declare("read")
    for api_name in ("shop", "other"):
        with pytest.raises(ConflictError, match="shop has a scope 'read' already"):
            declare("read", api_name=api_name)
    assert scopes.list_all(desk.db) == scopes.list_all(desk.db, "shop") == [made]
    assert scopes.list_all(desk.db, "other") == []
    with pytest.raises(NotFoundError) as caught:
        scopes.require(desk.db, "other", "read")
    assert caught.value.hint == "It belongs to shop."
    for version in ("1.0.0", "2.0.0"):
        api = apis.resolve(desk.db, f"shop:{version}")
        resources.create(desk.db, api, methods=["GET"], pattern="/x", scopes=["read"])


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"api_name": "nothing"}, NotFoundError),
        ({"api_name": "shop:1.0.0"}, InvalidInputError),
        ({"name": "default"}, InvalidInputError),
        ({"name": "a b"}, InvalidInputError),
        ({"roles": ["two words"]}, InvalidInputError),
        ({"roles": ["a,b"]}, InvalidInputError),
        ({"description": "a\nb"}, InvalidInputError),
    ],
)
def test_what_cannot_be_declares_nothing(desk, api, said, error):
    form = {"api_name": "shop", "name": "read", **said}
    with desk.announcing() as announced, pytest.raises(error):
        scopes.declare(desk.db, form.pop("api_name"), form.pop("name"), **form, now=desk.now)
    assert announced == []
    assert scopes.list_all(desk.db) == []


def test_an_update_changes_what_it_names(desk, declare):
    made = declare("read", "clerk", description="Read")
    changed = scopes.update(desk.db, made, roles=["boss"])
    assert (changed.roles, changed.description) == (("boss",), "Read")
    changed = scopes.update(desk.db, changed, description="")
    assert (changed.roles, changed.description) == (("boss",), "")
    changed = scopes.update(desk.db, changed, roles=[""])
    assert changed.roles == ()
    assert scopes.require(desk.db, "shop", "read") == changed


def test_a_scope_that_resources_ask_for_stays(desk, api, declare):
    read, write = declare("read"), declare("write")
    other = desk.api("shop", "2.0.0", context="/shop")
    for each in (api, other):
        resources.create(desk.db, each, methods=["GET", "PUT"], pattern="/a", scopes=["read"])
    with pytest.raises(ConflictError) as caught:
        scopes.delete(desk.db, read)
    assert caught.value.message == (
        "the scope 'read' is asked for by GET, PUT /a of shop:1.0.0; GET, PUT /a of shop:2.0.0"
    )
    with desk.announcing() as announced:
        scopes.delete(desk.db, write)
    assert announced == API_CHANGED
    assert scopes.list_all(desk.db) == [read]


def test_scopes_go_with_the_last_version_of_their_api(desk, api, declare):
    desk.api("shop", "2.0.0", context="/shop")
    desk.api("other")
    read, kept = declare("read"), declare("more", api_name="other")
    resources.create(desk.db, api, methods=["GET"], pattern="/a", scopes=["read"])
    apis.delete(desk.db, "shop:1.0.0")
    assert scopes.list_all(desk.db) == [kept, read]
    apis.delete(desk.db, "shop:2.0.0")
    assert scopes.list_all(desk.db) == [kept]


def test_a_resource_asks_for_scopes_of_its_api_alone(desk, api, declare):
    declare("read")
    declare("write")
    desk.api("other")
    declare("more", api_name="other")
    made = resources.create(
        desk.db, api, methods=["GET"], pattern="/a", scopes=["write", "read", "write", ""]
    )
    assert made.scopes == ("read", "write")
    assert resources.list_of_api(desk.db, api) == [made]
    with pytest.raises(NotFoundError):
        resources.create(desk.db, api, methods=["GET"], pattern="/b", scopes=["more"])
    with pytest.raises(NotFoundError):
        resources.update(desk.db, api, made, scopes=["nothing"])
    assert resources.update(desk.db, api, made, tier="Gold").scopes == ("read", "write")
    assert resources.update(desk.db, api, made, scopes=["read"]).scopes == ("read",)
    assert resources.update(desk.db, api, made, scopes=[""]).scopes == ()


def test_a_resource_that_asks_for_no_token_asks_for_no_scope(desk, api, declare):
    declare("read")
    made = {"methods": ["GET"], "pattern": "/a", "scopes": ["read"]}
    with pytest.raises(InvalidInputError):
        resources.create(desk.db, api, **made, auth_type=AuthType.NONE)
    resource = resources.create(desk.db, api, **made)
    with pytest.raises(InvalidInputError):
        resources.update(desk.db, api, resource, auth_type=AuthType.NONE)
    assert resources.list_of_api(desk.db, api) == [resource]
    open_to_all = resources.update(desk.db, api, resource, auth_type=AuthType.NONE, scopes=[""])
    assert (open_to_all.auth_type, open_to_all.scopes) == (AuthType.NONE, ())


def test_a_user_gets_what_needs_no_role_and_what_the_roles_open(desk, declare, alice):
    for made in (("all",), ("clerks", "clerk"), ("both", "boss", "clerk"), ("bosses", "boss")):
        declare(*made)

    def ask(requested):
        return scopes.grant(desk.db, requested, user_id=alice.id)

    assert names(ask("all")) == ["all"]
    assert names(ask("bosses all clerks")) == ["all"]
    assert ask("bosses clerks") is ScopeRefusal.FORBIDDEN
    users.set_roles(desk.db, alice, ["clerk"])
    assert ask("bosses both all clerks all").text == "all both clerks"
    assert ask("bosses") is ScopeRefusal.FORBIDDEN
    assert ask("all unknown") is ScopeRefusal.UNKNOWN
    for nothing in (None, "", "default", "PRODUCTION SANDBOX"):
        assert ask(nothing).text == "default"


def test_an_application_gets_what_its_owner_would(desk, declare, alice):
    declare("clerks", "clerk")
    users.set_roles(desk.db, alice, ["clerk"])
    theirs = desk.application("theirs", owner="alice")

    def ask(application, requested):
        return scopes.grant_to_application(desk.db, requested, application)

    assert names(ask(theirs, "clerks")) == ["clerks"]
    assert ask(desk.default, "clerks") is ScopeRefusal.FORBIDDEN
    assert ask(desk.default, "unknown") is ScopeRefusal.UNKNOWN
    assert names(ask(desk.default, None)) == []


def test_roles_and_scopes_that_are_gone_are_left_out_of_what_was_granted(desk, declare, alice):
    declare("clerks", "clerk")
    declare("all")
    users.set_roles(desk.db, alice, ["clerk"])
    desk.now += 1
    declare("later")

    def again(held):
        then = desk.now - 1
        return scopes.regrant(desk.db, held, granted_at=then, user_id=alice.id).text

    assert again("all clerks gone later") == "all clerks"
    users.set_roles(desk.db, alice, [])
    assert again("all clerks") == "all"
    assert again("clerks") == again("later") == again("default") == "default"


def test_a_renewal_looks_at_the_roles_again_and_keeps_what_the_refresh_token_has(
    desk, declare, alice
):
    declare("clerks", "clerk")
    declare("all")
    users.set_roles(desk.db, alice, ["clerk"])
    first = desk.log_in(desk.generate().key, alice.id, scope="all clerks")
    users.set_roles(desk.db, alice, [])
    second = desk.renew(first.refresh_token).issued
    assert second.token.scope == "all"
    users.set_roles(desk.db, alice, ["clerk"])
    assert desk.renew(second.refresh_token).issued.token.scope == "all clerks"


def test_a_scope_that_was_deleted_does_not_come_back_by_a_renewal(desk, declare, alice):
    made = declare("read")
    first = desk.log_in(desk.generate().key, alice.id, scope="read")
    scopes.delete(desk.db, made)
    desk.now += 1
    declare("read")
    second = desk.renew(first.refresh_token).issued
    assert second.token.scope == "default"
    desk.now += 1
    redeemed = renewal.redeem(desk.db, second.refresh_token, consumer_key=None, now=desk.now)
    assert redeemed.scope == "default"
    assert scopes.living(desk.db, "read", issued_at=desk.now) == "read"
    assert scopes.living(desk.db, "read", issued_at=desk.now - 2) == "default"
