from dataclasses import replace

from apimctl.tables import gateways
from apimctl.tables.gateways import Gateway

GATEWAY = Gateway("one", "http://127.0.0.1:8280", 42, "1.0", 1_800_000_000)


def test_gateways_are_listed_until_they_say_that_they_end(store):
    later = replace(GATEWAY, id="two", url="http://127.0.0.1:8281", started_at=1_800_000_001)
    with store.transaction() as db:
        for gateway in (later, GATEWAY):
            gateways.insert(db, gateway)
        assert gateways.list_all(db) == [GATEWAY, later]
        gateways.delete(db, "one", process_id=42)
        assert gateways.list_all(db) == [later]


def test_one_that_takes_over_an_address_replaces_the_one_that_fell(store):
    heir = replace(GATEWAY, id="two", process_id=43)
    with store.transaction() as db:
        for gateway in (GATEWAY, heir):
            gateways.insert(db, gateway)
        assert gateways.list_all(db) == [heir]


def test_a_gateway_has_a_row_per_url_which_go_together(store):
    over_tls = replace(GATEWAY, url="https://127.0.0.1:8243", certificate="PEM")
    with store.transaction() as db:
        for gateway in (GATEWAY, over_tls):
            gateways.insert(db, gateway)
        assert gateways.list_all(db) == [GATEWAY, over_tls]
        gateways.delete(db, "one", process_id=42)
        assert gateways.list_all(db) == []


def test_a_process_that_ends_leaves_the_one_that_it_handed_over_to(store):
    heir = replace(GATEWAY, process_id=43, workers=4, admin_url="http://127.0.0.1:8281")
    with store.transaction() as db:
        for gateway in (GATEWAY, heir):
            gateways.insert(db, gateway)
        gateways.delete(db, "one", process_id=42)
        assert gateways.list_all(db) == [heir]
