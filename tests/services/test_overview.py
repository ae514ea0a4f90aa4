"""Lists of everybody's things: a page at a time, with as many statements however long they are."""

import pytest

from apimctl.domain.models import ApiState
from apimctl.services import apis, applications, overview, subscriptions, users
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.services.overview import PAGE_ROWS

NAMES = [f"one{number:03}" for number in range(PAGE_ROWS + 2)]


@pytest.fixture
def crowd(desk):
    """Give as many users, each with a role and an application, and as many APIs."""
    for name in NAMES:
        add_user(desk, name)
        add_api(desk, name)
    return desk


def add_user(desk, name):
    users.create(desk.db, name, password_hash=None, roles=["crowd"], **desk.moment)
    applications.create(desk.db, name, owner=name, form=ApplicationForm(), **desk.moment)


def add_api(desk, name):
    made = {"context": f"/{name}", "version": "1", "state": ApiState.PUBLISHED}
    form = ApiForm(production_url="http://localhost")
    return apis.create(desk.db, name, form=form, **made, **desk.moment)


def list_users(db, search="one", page=1):
    return overview.list_users(db, search=search, userstore=None, page=page)


def list_applications(db, search="one", page=1):
    return overview.list_applications(db, search=search, page=page)


def list_apis(db, search="one", page=1):
    return overview.list_apis(db, search=search, page=page)


LISTS = [list_users, list_applications, list_apis]


def name_of(row) -> str:
    return next(
        getattr(row, kind).name for kind in ("user", "application", "api") if hasattr(row, kind)
    )


@pytest.mark.parametrize("listing", LISTS)
def test_a_page_is_part_of_a_list(crowd, listing):
    first, second = (listing(crowd.db, page=page) for page in (1, 2))
    assert [name_of(row) for row in (*first.rows, *second.rows)] == NAMES
    assert len(second.rows) == 2
    assert (first.total, first.pages) == (len(NAMES), 2)


@pytest.mark.parametrize("listing", LISTS)
def test_what_is_no_page_is_the_nearest_one(crowd, listing):
    assert listing(crowd.db, page=-1) == listing(crowd.db, page=1)
    assert listing(crowd.db, page=99) == listing(crowd.db, page=2)
    empty = listing(crowd.db, search="nothing", page=7)
    assert (list(empty.rows), empty.page, empty.pages, empty.total) == ([], 1, 1, 0)


@pytest.mark.parametrize("listing", LISTS)
def test_a_long_list_asks_as_little_as_a_short_one(desk, listing):
    def statements() -> int:
        asked = []
        desk.db.set_trace_callback(asked.append)
        listing(desk.db)
        desk.db.set_trace_callback(None)
        return len(asked)

    add_user(desk, "one")
    add_api(desk, "one")
    few = statements()
    for name in NAMES:
        add_user(desk, name)
        add_api(desk, name)
    assert statements() == few <= 4


@pytest.mark.parametrize("listing", LISTS)
def test_a_search_is_for_a_text_in_capitals_or_not(crowd, listing):
    assert [name_of(row) for row in listing(crowd.db, search="E005").rows] == ["one005"]
    for text in ("one%", "o_e", "one\\"):
        assert listing(crowd.db, search=text).total == 0


def test_what_belongs_to_them_is_counted(desk):
    add_user(desk, "eve")
    api = add_api(desk, "weather")
    application = applications.resolve(desk.db, "eve")
    subscriptions.create(desk.db, application, api, tier=None, **desk.moment)
    (user,) = list_users(desk.db, search="eve").rows
    assert (user.roles, user.applications) == (("crowd",), 1)
    (listed,) = list_applications(desk.db, search="eve").rows
    assert (listed.subscriptions, listed.keys) == (1, 0)
    (known,) = list_apis(desk.db, search="WEATHER").rows
    assert known.subscriptions == 1
