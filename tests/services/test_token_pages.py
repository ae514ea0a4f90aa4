"""Pages of tokens, compared with sorting and filtering all of them at once."""

import itertools
import random

import pytest

from apimctl.domain.models import KeyType, TokenState
from apimctl.domain.validity import NEVER
from apimctl.errors import InvalidInputError
from apimctl.services import keys, revocation, token_pages
from apimctl.services.token_pages import Order, TokenQuery
from apimctl.tables import token_pages as tables

STATES = (None, *TokenState)


@pytest.fixture
def everything(desk):
    """Issue tokens of two applications, both key types, two users, two partitions, all states.

    Many are of the same second.
    """
    drawn = random.Random(11)
    desk.configure(partitions={"FOO.COM": "A"})
    users = [desk.user("alice"), desk.user_of("FOO.COM", "bob")]
    made = []
    for application in (desk.default, desk.application("shop")):
        for key_type in KeyType:
            key = desk.generate(application, key_type).key
            made.append(keys.current_token(desk.db, key))
            for _ in range(12):
                desk.now += drawn.choice((0, 0, 1))
                validity = drawn.choice((NEVER, 10, 10, 1000))
                desk.configure(user_validity_seconds=validity)
                user = drawn.choice([None, *users])
                issued = (
                    desk.issue(key, validity_seconds=validity)
                    if user is None
                    else desk.log_in(key, user.id)
                )
                made.append(issued.token)
                if drawn.random() < 0.2:
                    revocation.require_and_revoke(desk.db, issued.access_token)
                elif user and drawn.random() < 0.3:
                    desk.renew(issued.refresh_token)
    desk.now += 10
    return desk.list(limit=1000)


def sort_key(order):
    if order is Order.ISSUED_AT:
        return lambda token: (token.issued_at, token.id)
    return lambda token: (token.expires_at is None, token.expires_at, token.id)


def read(desk, query):
    """Return all pages of a list, and how many there were."""
    found, after, count = [], None, 0
    while True:
        page = token_pages.list_page(desk.db, TokenQuery(**query, after=after), now=desk.now)
        found += [row[0] for row in page.rows]
        count += 1
        if page.next is None:
            return found, count
        assert len(page.rows) == query["limit"]
        after = page.next


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("order", Order)
def test_pages_are_a_whole_list_cut_up(desk, everything, order, is_reversed):
    expected = sorted(
        everything,
        key=sort_key(order),
        reverse=(order is Order.ISSUED_AT) is not is_reversed,
    )
    assert {token.partition for token in expected} == {"0", "A"}
    for limit in (1, 7, 500):
        query = {"limit": limit, "order": order, "is_reversed": is_reversed}
        found, count = read(desk, query)
        assert found == expected
        assert count == -(-len(expected) // limit)


@pytest.mark.parametrize("order", Order)
def test_every_filter_with_every_other(desk, everything, order):
    shop = next(one for one in {row[2] for row in page_rows(desk)} if one.name == "shop")
    bob = next(row[3] for row in page_rows(desk) if row[3] and row[3].name == "bob")
    owners = {row[0].id: row for row in page_rows(desk)}
    middle = sorted(token.issued_at for token in everything)[len(everything) // 2]
    kept = 0
    for state, user, app, key_type, since, before, partition in itertools.product(
        STATES,
        (None, bob),
        (None, shop),
        (None, KeyType.SANDBOX),
        (None, middle),
        (None, desk.now),
        (None, "0", "A"),
    ):
        query = {
            "applications": [shop] if app else None,
            "key_type": key_type,
            "user": user,
            "partition": partition,
            "state": state,
            "issued_since": since,
            "expires_before": before,
            "order": order,
            "limit": 1000,
        }
        expected = [
            token
            for token in everything
            if state in {None, token.state_at(desk.now)}
            and (user is None or token.user_id == user.id)
            and (app is None or owners[token.id][2] == shop)
            and key_type in {None, owners[token.id][1].key_type}
            and (since is None or token.issued_at >= since)
            and (before is None or (token.expires_at is not None and token.expires_at < before))
            and partition in {None, token.partition}
        ]
        expected.sort(key=sort_key(order), reverse=order is Order.ISSUED_AT)
        assert read(desk, query)[0] == expected, query
        kept += bool(expected)
    assert kept > 100


def page_rows(desk):
    return token_pages.list_page(desk.db, TokenQuery(limit=1000), now=desk.now).rows


def test_a_page_goes_on_where_it_ended_though_that_token_is_gone(desk, everything):
    first = token_pages.list_page(desk.db, TokenQuery(limit=5), now=desk.now)
    last = first.rows[-1][0]
    table = "access_token" if last.partition == "0" else "access_token_A"
    desk.db.execute(f"DELETE FROM {table} WHERE id = ?", (last.id,))
    after = token_pages.list_page(desk.db, TokenQuery(limit=5, after=first.next), now=desk.now)
    assert [row[0] for row in after.rows] == everything[5:10]


@pytest.mark.parametrize("text", ["", "5", "never", "x-0", "5-XYZ", "-1-00"])
def test_what_no_page_ended_with(desk, text):
    with pytest.raises(InvalidInputError):
        token_pages.list_page(desk.db, TokenQuery(limit=5, after=text), now=desk.now)


@pytest.mark.parametrize("after", [None, tables.Place(1_800_000_000, "f")])
@pytest.mark.parametrize("order", Order)
def test_a_page_is_read_by_an_index_in_its_order(desk, everything, order, after):
    consumer_keys = {desk.generate(desk.application("other")).key.consumer_key}
    for wanted in (
        *({"state": state} for state in STATES),
        {"expires_before": desk.now},
        {"expires_before": desk.now, "issued_since": desk.now},
        {"state": TokenState.EXPIRED, "issued_since": desk.now},
    ):
        found = tables.TokenFilter(now=desk.now, consumer_keys=consumer_keys, **wanted)
        asked = []
        desk.db.set_trace_callback(asked.append)
        tables.list_page(desk.db, found, order=order, is_descending=True, after=after, limit=5)
        desk.db.set_trace_callback(None)
        for sql in asked:
            if "consumer_key =" in sql:
                plan = [row[-1] for row in desk.db.execute(f"EXPLAIN QUERY PLAN {sql}")]
                assert "USING INDEX access_token" in plan[0], plan
                assert not any("TEMP B-TREE" in step for step in plan), (sql, plan)


def test_a_page_takes_as_many_statements_however_many_users_and_keys_there_are(desk):
    shop = desk.application("shop")
    key = desk.generate(shop).key
    for number in range(20):
        desk.log_in(key, desk.user(f"user{number}").id)
        desk.generate(desk.application(f"app{number}"))

    def statements(limit):
        asked = []
        desk.db.set_trace_callback(asked.append)
        found = desk.list(applications=[shop], limit=limit)
        desk.db.set_trace_callback(None)
        assert len(found) == limit
        return asked

    assert len(statements(20)) == len(statements(2)) < 10
    assert not [sql for sql in statements(20) if "application_key ORDER BY" in sql]
