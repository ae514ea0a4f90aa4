import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain.validity import (
    LONGEST_SECONDS,
    NEVER,
    expires_at,
    format_duration,
    parse_duration,
    parse_validity,
    shortest,
)
from apimctl.errors import UsageError

from .strategies import any_text, deterministic

GOOD = {
    "3600": 3600,
    "1": 1,
    "+60": 60,
    "007": 7,
    " 90s ": 90,
    "15m": 900,
    "12h": 43_200,
    "30d": 2_592_000,
    "1h30m": 5400,
    "1H30M": 5400,
    "1d1h1m1s": 90_061,
    "90m": 5400,
    "0h5m": 300,
    "36500d": 36_500 * 86_400,
}
FOR_EVER = ["never", "NEVER", " never ", "-1", "-3600", "-0001", "-9223372036854775808"]
NOTHING = ["0", "-0", "+0", "000", "0s", "0d0h0m0s"]
TOO_LONG = [
    "36601d",
    "3700000000",
    "9223372036854775807",
    "99999999999999999999",
    "999999999999d",
]
NONSENSE = [
    "",
    " ",
    "1.5",
    "1,5",
    "1.5h",
    "1e3",
    "0x10",
    "1_000",
    "--1",
    "-",
    "+",
    "h",
    "1w",
    "1y",
    "1ms",
    "1h30",
    "30m1h",
    "1h1h",
    "1h 30m",
    "-1h",
    "forever",
    "infinity",
    "nan",
    "null",
    "١٢",
    "1²",
    "3600\0",
    "9" * 5000,
]


@pytest.mark.parametrize(("text", "seconds"), GOOD.items())
@pytest.mark.parametrize("parse", [parse_validity, parse_duration])
def test_a_length_of_time_is_read_in_seconds(parse, text, seconds):
    assert parse(text) == seconds


@pytest.mark.parametrize("text", FOR_EVER)
def test_never_and_negative_numbers_are_for_ever_and_no_duration(text):
    assert parse_validity(text) == NEVER
    with pytest.raises(UsageError, match="must end some time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        *((text, "would be over before it starts") for text in NOTHING),
        *((text, "is more than 100 years") for text in TOO_LONG),
        *((text, "is not a length of time") for text in NONSENSE),
    ],
    ids=lambda text: ascii(text)[:30],
)
@pytest.mark.parametrize("parse", [parse_validity, parse_duration])
def test_anything_else_is_a_usage_error_that_names_the_option(parse, text, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        parse(text, what="grace")
    assert "grace" in caught.value.message
    assert caught.value.hint


@given(st.integers(1, LONGEST_SECONDS) | st.just(NEVER))
@deterministic
def test_what_is_written_is_read_back(seconds):
    assert parse_validity(format_duration(seconds)) == seconds


@given(any_text | st.from_regex(r"[-+]?([0-9]{1,6}[dhmsDHMS ]?){1,4}", fullmatch=True))
@deterministic
def test_any_text_is_a_sane_length_or_a_usage_error(text):
    try:
        seconds = parse_validity(text)
    except UsageError:
        return
    assert seconds == NEVER or 0 < seconds <= LONGEST_SECONDS


@pytest.mark.parametrize(
    ("seconds", "text"), [(5400, "1h30m"), (86_400, "1d"), (0, "0s"), (-1, "never"), (-9, "never")]
)
def test_a_length_is_written_in_its_largest_units(seconds, text):
    assert format_duration(seconds) == text


def test_a_token_is_over_after_its_validity_or_never():
    assert expires_at(1000, 60) == 1060
    assert expires_at(1000, NEVER) is None


@pytest.mark.parametrize(
    ("lengths", "least"),
    [
        ((60,), 60),
        ((60, None), 60),
        ((60, NEVER), 60),
        ((NEVER, 60), 60),
        ((90, 60, None, NEVER), 60),
        ((NEVER,), NEVER),
        ((NEVER, None, NEVER), NEVER),
    ],
    ids=str,
)
def test_the_shortest_length_counts_and_never_is_the_longest(lengths, least):
    assert shortest(*lengths) == least
