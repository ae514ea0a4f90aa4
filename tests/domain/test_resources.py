import itertools
import re
import sys
from contextlib import contextmanager

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from apimctl.domain import resources as tested
from apimctl.domain.models import AuthType, Resource
from apimctl.domain.patterns import METHODS, shape
from apimctl.domain.resources import ResourceTree

from .strategies import deterministic


def resource(pattern, *methods):
    return Resource(frozenset(methods or {"*"}), pattern, AuthType.ANY)


def tree(*patterns):
    return ResourceTree(resource(pattern) for pattern in patterns)


def answering(found, path, method="GET"):
    answer = found.find(path)
    picked = answer and answer.pick(method)
    return picked and picked.pattern


PATTERNS = (
    *("/", "/users", "/users/{id}", "/users/me", "/users/{id}/keys", "/users/me/*"),
    *("/files/*", "/files/{name}", "/a/{x}/c", "/{x}/b/c", "/%7Ejoe"),
)
ANSWERING = {
    "": "/",
    "/": "/",
    "/users": "/users",
    "/users/": None,
    "/users/7": "/users/{id}",
    "/users/7/": None,
    "/users//": None,
    "/users/me": "/users/me",
    "/users/me/": "/users/me/*",
    "/users/me/keys": "/users/me/*",
    "/users/you/keys": "/users/{id}/keys",
    "/users/%6De": "/users/me",
    "/users/m%65/x": "/users/me/*",
    "/users/me%2Fx": "/users/{id}",
    "/users/Me": "/users/{id}",
    "/users/me;x": "/users/{id}",
    "/users/{}": "/users/{id}",
    "/users/*": "/users/{id}",
    "/users/%zz": "/users/{id}",
    "/files": "/files/*",
    "/files/": "/files/*",
    "/files/x": "/files/{name}",
    "/files/x/y": "/files/*",
    "/files//": "/files/*",
    "/a/b/c": "/a/{x}/c",
    "/b/b/c": "/{x}/b/c",
    "/~joe": "/%7Ejoe",
    "//": None,
    "/nothing": None,
    "/USERS": None,
}


@pytest.mark.parametrize(("path", "pattern"), ANSWERING.items())
def test_the_most_specific_pattern_answers(path, pattern):
    assert answering(tree(*PATTERNS), path) == pattern
    assert answering(tree(*reversed(PATTERNS)), path) == pattern


def test_everything_else_goes_to_the_rest():
    found = tree("/*", "/users/{id}")
    for path in ("", "/", "/users", "/users/7/x", "//", "/users/"):
        assert answering(found, path) == "/*"
    assert answering(found, "/users/7") == "/users/{id}"
    assert answering(tree("/*", "/"), "") == "/"


METHODS_OF = {
    # declared: (asked, answered by), and what a 405 allows
    ("GET",): ({"GET": "GET", "HEAD": "GET", "POST": None, "OPTIONS": None}, ("GET", "HEAD")),
    ("POST",): ({"POST": "POST", "HEAD": None, "GET": None}, ("POST",)),
    ("GET", "HEAD"): ({"GET": "GET", "HEAD": "HEAD", "PUT": None}, ("GET", "HEAD")),
    ("PUT", "GET"): ({"PUT": "PUT", "HEAD": "GET", "DELETE": None}, ("GET", "HEAD", "PUT")),
    ("*",): ({"GET": "*", "HEAD": "*", "PROPFIND": "*"}, METHODS),
    ("*", "GET"): ({"GET": "GET", "HEAD": "GET", "POST": "*", "PROPFIND": "*"}, METHODS),
    ("GET", "OPTIONS"): ({"OPTIONS": "OPTIONS"}, ("GET", "HEAD", "OPTIONS")),
}


@pytest.mark.parametrize("declared", METHODS_OF)
def test_the_method_is_looked_at_once_the_pattern_is_found(declared):
    asked, allowed = METHODS_OF[declared]
    answer = ResourceTree(resource("/x", method) for method in declared).find("/x")
    picked = {method: answer.pick(method) for method in asked}
    assert {m: found and next(iter(found.methods)) for m, found in picked.items()} == asked
    assert answer.methods == allowed


def test_a_wider_pattern_does_not_stand_in_for_a_method():
    found = ResourceTree([resource("/admin", "GET"), resource("/*")])
    answer = found.find("/admin")
    assert (answer.pick("POST"), answer.methods) == (None, ("GET", "HEAD"))


def test_names_in_braces_and_escapes_tell_nothing_apart():
    found = ResourceTree([resource("/u/{id}/%61", "GET"), resource("/u/{name}/a", "POST")])
    assert found.find("/u/7/a").methods == ("GET", "HEAD", "POST")


segments = st.sampled_from(["a", "b", "%61", "{x}"])
patterns = st.builds(
    lambda inner, last: "/" + "/".join([*inner, *last]),
    st.lists(segments, max_size=4),
    st.sampled_from([["a"], ["{y}"], [""], ["*"]]),
)
paths = st.lists(st.sampled_from(["a", "b", "c", "", "%61", "%2F"]), max_size=6).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)


def is_matching(pattern, path):
    """Say the rules once more, with a regular expression per pattern."""
    regex = ""
    for segment in shape(pattern):
        regex += {"{}": "/[^/]+", "*": "(/.*)?"}.get(segment, f"/{segment}")
    return re.fullmatch(regex, (path or "/").replace("%61", "a")) is not None


def rank(pattern):
    return [{"{}": 1, "*": 2}.get(segment, 0) for segment in shape(pattern)]


@given(st.lists(patterns, max_size=12), paths)
@deterministic
def test_the_tree_agrees_with_trying_every_pattern(declared, path):
    matching = [pattern for pattern in declared if is_matching(pattern, path)]
    best = min(matching, key=rank, default=None)
    event("several match" if len(set(map(shape, matching))) > 1 else f"{len(matching[:1])} match")

    found = answering(tree(*declared), path)

    assert (found and shape(found)) == (best and shape(best))


@contextmanager
def counted_lines():
    """Count the lines that run in the tree, whatever the machine is busy with."""
    lines = itertools.count()
    counted = []

    def trace(frame, event, _):
        if frame.f_code.co_filename != tested.__file__:
            return None
        if event == "line":
            next(lines)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield counted
    finally:
        sys.settrace(before)
        counted.append(next(lines))


def steps(found, path):
    with counted_lines() as counted:
        found.find(path)
    return counted[0]


LINES_PER_NODE = 20
BINARY = ["/" + "/".join(word) + "/end" for word in itertools.product(["a", "{x}"], repeat=8)]
COMB = ["/{x}" * depth + "/a" * (12 - depth) + "/end" for depth in range(13)]
DEEP = ["/a/{x}" * 100 + "/*", "/a" * 200 + "/end", "/{x}" * 200 + "/end"]


@pytest.mark.parametrize("declared", [BINARY, COMB, DEEP], ids=["binary", "comb", "deep"])
@pytest.mark.parametrize("segment", ["/a", "/b", "//", "/%61"])
def test_no_pattern_makes_a_path_cost_more_than_its_length(declared, segment):
    found = tree(*declared)
    nodes = len({shape(each)[:end] for each in declared for end in range(len(shape(each)) + 1)})
    for length in (8, 12, 200, 20_000):
        assert 0 < steps(found, segment * length) <= LINES_PER_NODE * nodes
