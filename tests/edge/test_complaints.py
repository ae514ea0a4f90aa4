import pytest

from apimctl.edge.complaints import AGAIN_SECONDS, MOST_REMEMBERED, Complaints


@pytest.fixture
def said(caplog):
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_complaint_is_made_at_once_and_again_after_a_minute(said):
    now = 0.0
    complaints = Complaints(clock=lambda: now)
    for _ in range(1000):
        complaints.make("the store is not there")
    assert said() == ["the store is not there"]
    now = AGAIN_SECONDS - 0.001
    complaints.make("the store is not there")
    complaints.make("the store is busy")
    assert said() == ["the store is not there", "the store is busy"]
    now = AGAIN_SECONDS
    complaints.make("the store is not there")
    complaints.make("the store is busy")
    assert said() == ["the store is not there", "the store is busy", "the store is not there"]


def test_what_is_remembered_has_a_bound(said):
    complaints = Complaints(clock=lambda: 0.0)
    for number in range(MOST_REMEMBERED + 1):
        complaints.make(str(number))
    complaints.make("0")
    assert said() == [*map(str, range(MOST_REMEMBERED + 1)), "0"]


def test_a_percent_sign_is_one(said):
    Complaints().make("100 %s")
    assert said() == ["100 %s"]
