import pytest
from hypothesis import given

from apimctl.domain.patterns import METHODS, check_methods, check_pattern, plain, shape
from apimctl.errors import InvalidInputError

from .strategies import any_text, deterministic

PATTERNS = {
    "/": ("",),
    "/*": ("*",),
    "/users": ("users",),
    "/users/": ("users", ""),
    "/users/{id}": ("users", "{}"),
    "/users/{user-id}/keys/{_k.1}": ("users", "{}", "keys", "{}"),
    "/users/*": ("users", "*"),
    "/{a}/*": ("{}", "*"),
    "/a;v=1,2/@me": ("a;v=1,2", "@me"),
    "/%61%2fb%7E": ("a%2Fb~",),
    "/...": ("...",),
    "/" + "a" * 1023: ("a" * 1023,),
}
REFUSED = [
    *("", "users", "*", "{id}", " /users", "http://host/users"),
    *("//", "/a//b", "//a", "/*/a", "/*/", "/a*", "/a/*b", "/**", "/{id}x", "/x{id}", "/{a}{b}"),
    *("/{}", "/{1}", "/{a b}", "/{a", "/a}", "/{a/b}", "/{id:[0-9]+}", "/{*}", "/{é}"),
    *("/a b", "/a?b", "/a#b", "/a%", "/a%2", "/a%zz", "/ä", "/a\nb", "/a\\b", '/"a"', "/a\x00"),
    *("/.", "/..", "/a/../b", "/%2e%2E/a", "/.%2e", "/" + "a" * 1024),
]


@pytest.mark.parametrize(("pattern", "segments"), PATTERNS.items())
def test_a_pattern_is_kept_as_it_is_written(pattern, segments):
    assert check_pattern(pattern) == pattern
    assert shape(pattern) == segments


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_is_no_pattern_is_refused_with_a_remedy(pattern):
    with pytest.raises(InvalidInputError) as caught:
        check_pattern(pattern)
    assert caught.value.hint
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@given(any_text)
@deterministic
def test_whatever_is_written_is_a_pattern_or_refused(text):
    try:
        pattern = check_pattern(f"/{text}")
    except InvalidInputError:
        return
    assert all(segment or index for index, segment in enumerate(shape(pattern)) if pattern != "/")
    assert shape(pattern) == shape(plain(pattern))


@pytest.mark.parametrize(
    ("written", "methods"),
    [
        (["GET"], {"GET"}),
        (["get", " Post ", "GET"], {"GET", "POST"}),
        (["*"], {"*"}),
        (METHODS, set(METHODS)),
    ],
)
def test_methods_are_upper_case(written, methods):
    assert check_methods(written) == methods


@pytest.mark.parametrize(
    "written", [[], [""], ["GTE"], ["CONNECT"], ["GET,POST"], ["*", "GET"], ["GET", "x\x1b[2J"]]
)
def test_what_is_no_method_is_refused_with_a_remedy(written):
    with pytest.raises(InvalidInputError) as caught:
        check_methods(written)
    assert caught.value.hint
    assert caught.value.message.isprintable()
