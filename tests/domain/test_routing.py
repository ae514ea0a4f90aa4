from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from apimctl.domain.models import WHOLE_API, AuthType, Resource
from apimctl.domain.routing import Routes, base_paths, has_dot_segments

from .strategies import API, deterministic


def api(context, version, *, is_default=False):
    return replace(
        API,
        name=context[1:],
        context=context,
        version=version,
        is_default_version=is_default,
    )


ROUTES = Routes(
    [
        api("/twitter", "1.0.0", is_default=True),
        api("/twitter", "2.0.0"),
        api("/twitter/search", "1.0.0"),
        api("/team/maps", "v1"),
    ]
)
ROUTED = {
    "/twitter/1.0.0": ("twitter:1.0.0", ""),
    "/twitter/1.0.0/": ("twitter:1.0.0", "/"),
    "/twitter/1.0.0/search.atom": ("twitter:1.0.0", "/search.atom"),
    "/twitter/2.0.0/a/b": ("twitter:2.0.0", "/a/b"),
    "/twitter": ("twitter:1.0.0", ""),
    "/twitter/": ("twitter:1.0.0", "/"),
    "/twitter/users/7": ("twitter:1.0.0", "/users/7"),
    "/twitter/3.0.0/x": ("twitter:1.0.0", "/3.0.0/x"),
    "/twitter/2.0.0.0": ("twitter:1.0.0", "/2.0.0.0"),
    "/twitter/2%2E0.0/x": ("twitter:1.0.0", "/2%2E0.0/x"),
    "/twitter//2.0.0": ("twitter:1.0.0", "//2.0.0"),
    "/twitter/1.0.0//a": ("twitter:1.0.0", "//a"),
    "/twitter/1.0.0/%2F%41": ("twitter:1.0.0", "/%2F%41"),
    "/twitter/search": ("twitter:1.0.0", "/search"),
    "/twitter/search/1.0.0/a": ("twitter/search:1.0.0", "/a"),
    "/team/maps/v1/x": ("team/maps:v1", "/x"),
}
UNROUTED = [
    "",
    "/",
    "//",
    "*",
    "twitter/1.0.0",
    "http://host/twitter/1.0.0",
    "//twitter/1.0.0",
    "/TWITTER/1.0.0",
    "/twitter2/1.0.0",
    "/twitte",
    "/%74witter/1.0.0",
    "/twitter%2F1.0.0",
    "/twitter\\1.0.0",
    "/twitter;x/1.0.0",
    "/team",
    "/team/maps",
    "/team/maps/v",
    "/team/maps/v1.0",
    "/team//maps/v1",
    "/maps/v1",
]
WITH_DOT_SEGMENTS = [
    "/..",
    "/a/..",
    "/a/../b",
    "/a/./b",
    "/.",
    "..",
    "../a",
    "/%2e%2e/",
    "/%2E%2E",
    "/.%2e/a",
    "/%2e/a",
    "/a/%2F../b",
    "/a%2F..",
    "/a%2f%2e%2e%2fb",
    "/a\\..\\b",
    "\\..",
    "/a%5C..%5cb",
    "/..;/a",
    "/..;x=1/a",
    "/..%3Bx/a",
    "/.;/a",
    "/a/..//",
]
WITHOUT_DOT_SEGMENTS = [
    "",
    "/",
    "//",
    "/a..b",
    "/a../b",
    "/..a/b",
    "/.well-known",
    "/...",
    "/.../a",
    "/%2e%2e%2e/a",
    "/1.0.0",
    "/a./b",
    "/a.;x/b",
    "/search.atom",
    "/a;..b",
    "/%2ea",
]


@pytest.mark.parametrize(("path", "routed"), ROUTED.items())
def test_the_longest_base_path_answers_and_the_rest_is_kept_as_sent(path, routed):
    match = ROUTES.match(path, "GET")
    assert (match.api.reference, match.rest) == routed
    assert match.resource.auth_type is AuthType.ANY


@pytest.mark.parametrize("path", UNROUTED)
def test_any_other_path_is_nobodys(path):
    assert ROUTES.match(path, "GET") is None


def test_without_apis_there_are_no_routes():
    assert Routes([]).match("/twitter/1.0.0", "GET") is None


READ = Resource(frozenset({"GET"}), "/users/{id}", AuthType.NONE, "Gold")
WITH_RESOURCES = Routes(
    [
        replace(api("/twitter", "1", is_default=True), id="declares"),
        replace(api("/maps", "1"), id="declares none"),
        replace(api("/empty", "1"), id="declares an empty list"),
    ],
    {"declares": [READ], "declares an empty list": []},
)


@pytest.mark.parametrize("base", ["/twitter/1", "/twitter"])
@pytest.mark.parametrize(
    ("method", "rest", "resource", "methods"),
    [
        ("GET", "/users/7", READ, ("GET", "HEAD")),
        ("HEAD", "/users/7", READ, ("GET", "HEAD")),
        ("POST", "/users/7", None, ("GET", "HEAD")),
        ("GET", "/users", None, ()),
        ("GET", "", None, ()),
    ],
)
def test_an_api_answers_what_it_declares(base, method, rest, resource, methods):
    match = WITH_RESOURCES.match(base + rest, method)
    assert (match.resource, match.methods, match.rest) == (resource, methods, rest)


@pytest.mark.parametrize("path", ["/maps/1", "/maps/1/", "/maps/1/a/b", "/empty/1//"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PROPFIND"])
def test_an_api_that_declares_nothing_answers_everything(path, method):
    assert WITH_RESOURCES.match(path, method).resource is WHOLE_API


names = st.sampled_from(["a", "b", "1", "a.b"])
contexts = st.lists(names, min_size=1, max_size=3).map(lambda segments: "/" + "/".join(segments))
paths = st.lists(names | st.sampled_from(["", "%61", "..", "a%2Fb"]), max_size=6).map("/".join)


@given(st.lists(st.builds(api, contexts, names, is_default=st.booleans()), max_size=6), paths)
@deterministic
def test_routing_agrees_with_comparing_the_path_with_every_base_path(apis, path):
    by_base_path = {base_path: each for each in apis for base_path in base_paths(each)}
    fitting = [base for base in by_base_path if f"/{path}/".startswith(f"{base}/")]
    event(f"{min(len(fitting), 2)} base paths fit")

    match = Routes(apis).match(f"/{path}", "GET")

    if not fitting:
        assert match is None
        return
    longest = max(fitting, key=len)
    assert (match.api, longest + match.rest) == (by_base_path[longest], f"/{path}")


def test_very_long_paths_and_very_many_apis_are_routed():
    routes = Routes(api("/a" * depth, "1") for depth in range(1, 300))
    assert routes.match("/a" * 20_000, "GET") is None
    assert routes.match("/a" * 299 + "/1" * 20_000, "GET").rest == "/1" * 19_999
    assert not has_dot_segments("/...%2f" * 20_000)


@pytest.mark.parametrize("path", WITH_DOT_SEGMENTS)
def test_dot_segments_are_found_however_they_are_written(path):
    assert has_dot_segments(path)


@pytest.mark.parametrize("path", WITHOUT_DOT_SEGMENTS)
def test_dots_inside_a_segment_are_no_dot_segments(path):
    assert not has_dot_segments(path)
