import pytest

from apimctl.domain.moments import parse_moment
from apimctl.errors import UsageError

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T09:00:00+01:00", NOW),
        ("2027-01-15 08:00", NOW),
        ("2027-01-15", NOW - 8 * 3600),
        ("2h", NOW - 7200),
        (" 1h30m ", NOW - 5400),
        ("60", NOW - 60),
    ],
)
def test_a_moment_is_a_time_a_day_or_how_long_ago(text, at):
    assert parse_moment(text, what="--since", now=NOW) == at


@pytest.mark.parametrize("text", ["", "yesterday", "0", "-5", "never", "2027-02-30", "2027-1-1"])
def test_what_is_no_moment(text):
    with pytest.raises(UsageError) as refused:
        parse_moment(text, what="--since", now=NOW)
    assert "--since" in refused.value.message
    assert "how long ago" in refused.value.hint
