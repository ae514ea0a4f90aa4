import sqlite3
from contextlib import closing

from tests.e2e.waiting import until


def test_a_store_that_is_gone_refuses_everything_until_it_is_back(own_market):
    stall = own_market.stall()
    store, away = own_market.cli.store, own_market.cli.store.with_name("away.db")
    assert stall.call(stall.token).status == 200

    store.rename(away)
    until(lambda: stall.call(stall.token).status == 503)
    refused = stall.call(stall.token)
    assert refused.fault == 900900
    assert refused.json["fault"]["message"] == "Unclassified Authentication Failure"
    assert refused.headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in refused.headers
    assert own_market.gateway.log.count(f"{store} is not there") == 1
    assert b"<code>900900</code>" in stall.call(headers={"Accept": "text/xml"}).body
    asked = stall.ask(grant_type="client_credentials")
    assert (asked.status, asked.json["error"]) == (503, "temporarily_unavailable")
    assert asked.headers["Retry-After"] == "1"
    assert asked.headers["Cache-Control"] == "no-store"
    revoked = stall.ask(path="/revoke", token=stall.token)
    assert (revoked.status, revoked.json["error"]) == (503, "temporarily_unavailable")

    away.rename(store)
    until(lambda: stall.call(stall.token).status == 200)
    asked = stall.ask(grant_type="client_credentials")
    assert asked.status == 200
    assert stall.call(asked.json["access_token"]).status == 200
    assert own_market.cli("db", "check").code == 0


def test_the_login_api_refuses_at_once_when_the_store_is_gone(own_market):
    stall = own_market.stall()
    store, away = own_market.cli.store, own_market.cli.store.with_name("away.db")
    store.rename(away)
    asked = stall.ask(grant_type="client_credentials")
    assert (asked.status, asked.json["error"]) == (503, "temporarily_unavailable")
    page = own_market.gateway.get(f"/authorize?client_id={stall.client[0]}")
    assert (page.status, page.headers["Retry-After"]) == (503, "1")
    assert b"try again in a moment" in page.body
    away.rename(store)


def test_a_restored_store_is_obeyed_without_a_restart(own_market, tmp_path):
    stall = own_market.stall()
    store, backup = own_market.cli.store, tmp_path / "backup.db"
    own_market.changer.process.stdin.close()
    own_market.changer.process.wait()

    with closing(sqlite3.connect(store)) as db, closing(sqlite3.connect(backup)) as copy:
        db.backup(copy)
    backup.chmod(0o600)
    assert stall.call(stall.token).status == 200
    own_market.cli.ok("token", "revoke", "--token-stdin", stdin=stall.token)
    assert stall.call(stall.token).fault == 900904

    for leftover in ("-wal", "-shm"):
        store.with_name(store.name + leftover).unlink(missing_ok=True)
    backup.rename(store)
    until(lambda: stall.call(stall.token).status == 200)
    assert stall.ask(grant_type="client_credentials").status == 200
    own_market.cli.ok("db", "check")
