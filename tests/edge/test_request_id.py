import itertools
import random

import pytest

from apimctl.edge.request_id import LONGEST, RequestIds


@pytest.fixture
def ids():
    return RequestIds(random.Random(1).randbytes)


def test_a_request_without_an_id_gets_one_that_the_backend_is_told(ids):
    chosen = ids.choose([])
    assert chosen.text.endswith("-1")
    assert chosen.own_header == (b"X-Request-ID", chosen.text.encode())


def test_no_two_requests_get_the_same(ids):
    others = RequestIds()
    made = [one.choose([]).text for one, _ in itertools.product((ids, others), range(100))]
    assert len(set(made)) == 200
    assert len({text.partition("-")[0] for text in made}) == 2


@pytest.mark.parametrize("sent", ["x", "0f8fad5b-d9cb-469f-a165-70867728950e", "!~", "a" * LONGEST])
def test_the_clients_own_is_taken(ids, sent):
    assert ids.choose([sent]) == (sent, None)


@pytest.mark.parametrize(
    "sent",
    [["a", "b"], ["a", "a"], [""], ["a" * (LONGEST + 1)], ["a b"], ["a\tb"], ["ä"], ["\udc80"]],
)
def test_one_that_is_of_no_use_passes_on_but_does_not_name_the_request(ids, sent):
    chosen = ids.choose(sent)
    assert chosen.text.endswith("-1")
    assert chosen.own_header is None
