import pytest

from apimctl.domain.cors import allowed_origin, check_origins
from apimctl.errors import InvalidInputError

ORIGINS = {
    "https://app.example.com": "https://app.example.com",
    " HTTPS://App.Example.com ": "https://app.example.com",
    "https://app.example.com:443": "https://app.example.com",
    "http://app.example.com:80": "http://app.example.com",
    "http://app.example.com:443": "http://app.example.com:443",
    "http://localhost:3000": "http://localhost:3000",
    "http://127.0.0.1:8080": "http://127.0.0.1:8080",
    "http://[::1]:8080": "http://[::1]:8080",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "capacitor://localhost": "capacitor://localhost",
    "*": "*",
}
REFUSED = [
    *("app.example.com", "https://", "https:app.example.com", "//app.example.com", "null"),
    *("https://a.com/", "https://a.com/x", "https://a.com?x", "https://a.com#x", "**", "*.a.com"),
    *(
        "https://user@a.com",
        "https://*.a.com",
        "https://a b.com",
        "https://a.com:0",
        "https://a..b",
    ),
    *("https://a.com:99999", "https://a.com,https://b.com", "https://a.com\\x", "1x://a.com"),
]


@pytest.mark.parametrize(("written", "sent"), ORIGINS.items())
def test_an_origin_is_kept_as_browsers_send_it(written, sent):
    assert check_origins([written], has_credentials=False) == (sent,)


@pytest.mark.parametrize("written", REFUSED)
def test_what_is_no_origin_is_refused_with_a_remedy(written):
    with pytest.raises(InvalidInputError) as caught:
        check_origins([written], has_credentials=False)
    assert caught.value.hint


def test_an_empty_origin_counts_as_none_and_a_repeated_one_once():
    assert check_origins(["", " "], has_credentials=False) == ()
    assert check_origins(["https://a.com", "", "https://A.com"], has_credentials=True) == (
        "https://a.com",
    )


@pytest.mark.parametrize(
    ("written", "has_credentials"),
    [
        (["*"], True),
        ([], True),
        (["*", "https://a.com"], False),
        ([f"https://a{number}.com" for number in range(101)], False),
    ],
)
def test_what_no_browser_would_obey_is_refused(written, has_credentials):
    with pytest.raises(InvalidInputError):
        check_origins(written, has_credentials=has_credentials)


LISTED = ("https://a.com", "http://b.com:8080")


@pytest.mark.parametrize("origin", LISTED)
def test_a_listed_origin_is_allowed_by_its_name(origin):
    assert allowed_origin(LISTED, origin) == origin


@pytest.mark.parametrize(
    "origin",
    [None, "", "*", "null", "http://a.com", "https://a.com:443", "https://a.com.evil.net", "b.com"],
)
def test_no_other_origin_is_allowed(origin):
    assert allowed_origin(LISTED, origin) is None
    assert allowed_origin((), origin) is None
    assert allowed_origin(("*",), origin) == "*"
