from dataclasses import replace

import pytest

from apimctl.domain.models import AuthType
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import apis, resources
from apimctl.services.apis import ApiForm
from apimctl.tables.changes import ChangeKind
from apimctl.tables.resources import list_by_api

API_CHANGED = [(ChangeKind.API, "")]


@pytest.fixture
def api(desk):
    return desk.api()


@pytest.fixture
def create(desk, api):
    def create(*methods, pattern="/users/{id}", **asked):
        return resources.create(desk.db, api, methods=methods, pattern=pattern, **asked)

    return create


def test_a_resource_is_what_was_said_of_it(desk, api, create):
    with desk.announcing() as announced:
        made = create("get", "POST", auth_type=AuthType.APPLICATION, tier="Gold")
    assert resources.list_of_api(desk.db, api) == [made]
    assert (made.methods, made.pattern) == ({"GET", "POST"}, "/users/{id}")
    assert (made.auth_type, made.tier) == (AuthType.APPLICATION, "Gold")
    assert announced == API_CHANGED


def test_the_least_asks_for_any_token_without_a_limit(create):
    made = create("*", pattern="/*")
    assert (made.auth_type, made.tier) == (AuthType.ANY, "Unlimited")


def test_a_method_of_a_pattern_belongs_to_one_resource(desk, api, create):
    create("GET", "POST")
    for methods, pattern in ((["POST", "PUT"], "/users/{id}"), (["GET"], "/users/{name}")):
        with desk.announcing() as announced, pytest.raises(ConflictError) as caught:
            create(*methods, pattern=pattern)
        assert "/users/{id} already" in caught.value.message
        assert announced == []
    create("PUT")
    create("*")
    create("GET", pattern="/users/me")
    assert len(resources.list_of_api(desk.db, api)) == 4


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"methods": ["GTE"]}, InvalidInputError),
        ({"methods": []}, InvalidInputError),
        ({"pattern": "users"}, InvalidInputError),
        ({"tier": "Platinum"}, NotFoundError),
    ],
)
def test_what_cannot_be_adds_nothing(desk, api, asked, error):
    with desk.announcing() as announced, pytest.raises(error):
        resources.create(desk.db, api, **{"methods": ["GET"], "pattern": "/x", **asked})
    assert announced == []
    assert resources.list_of_api(desk.db, api) == []


def test_a_pattern_names_its_only_resource_and_a_method_one_of_several(desk, api, create):
    read, write = create("GET"), create("POST", "PUT")
    only = create("GET", pattern="/users")

    def require(pattern, *methods):
        return resources.require(desk.db, api, pattern, methods)

    assert require("/users") == only
    assert require("/users/{whatever}", "get") == read
    assert require("/users/{id}", "PUT") == write
    assert require("/users/{id}", "PUT", "POST") == write
    with pytest.raises(ConflictError, match="has 2 resources"):
        require("/users/{id}")
    for pattern, methods in (("/x", ()), ("/users", ("PUT",)), ("/users/{id}", ("GET", "PUT"))):
        with pytest.raises(NotFoundError) as caught:
            require(pattern, *methods)
        assert caught.value.hint == "apimctl api resource list twitter:1.0.0 shows all."
    with pytest.raises(InvalidInputError):
        require("users")


def test_an_update_changes_what_it_names(desk, api, create):
    made, other = create("GET"), create("POST")
    with desk.announcing() as announced:
        changed = resources.update(desk.db, api, made, auth_type=AuthType.NONE)
    assert changed == replace(made, auth_type=AuthType.NONE)
    assert announced == API_CHANGED
    changed = resources.update(desk.db, api, changed, tier="Bronze")
    assert resources.list_of_api(desk.db, api) == [changed, other]
    with pytest.raises(NotFoundError):
        resources.update(desk.db, api, changed, tier="Platinum")


def test_a_deleted_resource_leaves_the_others(desk, api, create):
    made, other = create("GET"), create("POST")
    with desk.announcing() as announced:
        resources.delete(desk.db, api, made)
    assert resources.list_of_api(desk.db, api) == [other]
    assert announced == API_CHANGED


def test_resources_go_with_their_api_and_no_other(desk, create):
    kept = desk.api("other")
    create("GET")
    made = resources.create(desk.db, kept, methods=["GET"], pattern="/x")
    apis.delete(desk.db, "twitter")
    assert list_by_api(desk.db) == {kept.id: [made]}


def test_an_update_of_the_api_leaves_its_resources(desk, api, create):
    made = create("GET")
    apis.update(desk.db, "twitter", ApiForm(description="two"))
    assert resources.list_of_api(desk.db, api) == [made]


def test_origins_are_kept_with_the_api(desk, api):
    form = ApiForm(cors_origins=("https://A.com", "", "http://b.com:80"), cors_credentials=True)
    with desk.announcing() as announced:
        changed = apis.update(desk.db, "twitter", form)
    assert apis.resolve(desk.db, "twitter") == changed
    assert (changed.cors_origins, changed.cors_credentials) == (
        ("https://a.com", "http://b.com"),
        True,
    )
    assert announced == API_CHANGED
    assert apis.update(desk.db, "twitter", ApiForm(description="two")).cors_credentials
    off = apis.update(desk.db, "twitter", ApiForm(cors_origins=("",)))
    assert (off.cors_origins, off.cors_credentials) == ((), False)
    assert apis.resolve(desk.db, "twitter") == off


@pytest.mark.parametrize(
    "form",
    [
        ApiForm(cors_credentials=True),
        ApiForm(cors_origins=("*",), cors_credentials=True),
        ApiForm(cors_origins=("a.com",)),
    ],
)
def test_origins_that_cannot_be_change_nothing(desk, api, form):
    with pytest.raises(InvalidInputError):
        apis.update(desk.db, "twitter", form)
    assert apis.resolve(desk.db, "twitter") == api
