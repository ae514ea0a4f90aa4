import time

from apimctl.services import tokens
from apimctl.store import open_store
from benchmarks.growth import CASES, smallest
from benchmarks.stores import count_tokens, make_store


def test_a_store_holds_as_many_tokens_as_it_should_and_the_known_ones(tmp_path):
    made = make_store(tmp_path / "bench.db", backend="http://127.0.0.1:1", count=50, known=3)
    assert count_tokens(made.path) == 50
    assert len(set(made.access_tokens)) == 3
    store = open_store(made.path, now=int(time.time()))
    with store.reading() as db:
        for token in made.access_tokens:
            assert tokens.find_access_token(db, token)
    store.close()


def test_secrets_are_not_shown(tmp_path):
    made = make_store(tmp_path / "bench.db", backend="http://127.0.0.1:1", count=1)
    assert made.consumer_secret not in repr(made)
    assert made.access_tokens[0] not in repr(made)


def test_a_case_is_compared_with_the_smallest_store_with_as_many_tokens_in_use():
    for case in CASES:
        base = smallest(case)
        assert case.in_use == base.in_use <= base.size <= case.size
