import pytest

from apimctl.portal.pages import ROUTES
from apimctl.portal.routes import Access, Post, Route, Router


def show(visit, db):
    raise AssertionError


ROUTER = Router(
    [
        Route("/store/things/{id}", Access.SUBSCRIBER, show=show),
        Route("/store/things/new", Access.SUBSCRIBER, show=show),
        Route("/store/{kind}/{id}/end", Access.ADMIN, post=Post(show, again=show)),
    ]
)


@pytest.mark.parametrize(
    ("path", "route", "places"),
    [
        ("/store/things/new", "/store/things/new", {}),
        ("/store/things/7", "/store/things/{id}", {"id": "7"}),
        ("/store/things/a%20b%2Fc", "/store/things/{id}", {"id": "a b/c"}),
        ("/store/things/%zz%ff", "/store/things/{id}", {"id": "%zz\ufffd"}),
        ("/store/things/{id}", "/store/things/{id}", {"id": "{id}"}),
        ("/store/a/b/end", "/store/{kind}/{id}/end", {"kind": "a", "id": "b"}),
    ],
)
def test_a_path_leads_to_its_route(path, route, places):
    found, read = ROUTER.find(path)
    assert (found.path, read) == (route, places)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/store/things", "/store/things/", "/store//7", "/store/things/7/"),
        *("/store/%74hings/7", "/store//b/end", "/store/a/b/END", "/x/store/things/7"),
        "store/things/7",
    ],
)
def test_whatever_else_leads_nowhere(path):
    assert ROUTER.find(path) is None


@pytest.mark.parametrize(
    ("handlers", "methods"),
    [
        ({"show": show}, "GET, HEAD"),
        ({"post": Post(show, again=show)}, "POST"),
        ({"show": show, "post": Post(show, again=show)}, "GET, HEAD, POST"),
    ],
)
def test_a_route_names_its_methods(handlers, methods):
    assert Route("/x", Access.ANYBODY, **handlers).methods == methods


def test_no_two_pages_have_one_address():
    patterns = [
        tuple("*" if part[:1] == "{" else part for part in r.path.split("/")) for r in ROUTES
    ]
    assert len(set(patterns)) == len(patterns)


def test_every_route_leads_to_itself():
    router = Router(ROUTES)
    for route in ROUTES:
        found, _ = router.find(route.path)
        assert found is route
