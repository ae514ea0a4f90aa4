"""Users of secondary user stores at the running gateway: built-in ones, and a real directory."""

import itertools
import socket
import sqlite3
import threading
from contextlib import closing

import pytest

from tests.e2e.visitor import client_of
from tests.e2e.waiting import until
from tests.slapd import GROUPS, PEOPLE, SEARCHER, SEARCHER_PASSWORD, TEMPLATE, free_port

_numbers = itertools.count()

needs_slapd = pytest.mark.needs("slapd", "slapd")


@pytest.fixture
def stall(market):
    return market.stall()


@pytest.fixture
def domain(market):
    """Return a domain that no user store has."""
    return f"FOO{next(_numbers)}.COM"


@pytest.fixture
def directory(market, domain, slapd):
    """Return the domain of a user store whose users live in the real directory."""
    market.changer("create_userstore", domain=domain, group_base=GROUPS, **slapd.by_template)
    return domain


def log_in(stall, username, password):
    return stall.ask(grant_type="password", username=username, password=password)


def test_a_user_of_a_built_in_store_logs_in_by_the_qualified_name(market, stall, domain):
    name = market.user()
    market.changer("create_userstore", domain=domain)
    market.changer("create_user", name=f"{domain}/{name}", password="another word")
    for typed in (f"{domain}/{name}", f"{domain.lower()}/{name}"):
        issued = log_in(stall, typed, "another word")
        assert issued.status == 200
        assert stall.call(issued.json["access_token"]).status == 200
    assert log_in(stall, name, name[::-1]).status == 200
    crossed = [log_in(stall, name, "another word"), log_in(stall, f"{domain}/{name}", name[::-1])]
    assert [answer.status for answer in crossed] == [400, 400]
    market.changer("delete_userstore", domain=domain)
    assert stall.call(issued.json["access_token"]).status == 401
    assert log_in(stall, f"{domain}/{name}", "another word").status == 400


@needs_slapd
def test_a_user_of_a_directory_logs_in_renews_and_calls(market, stall, directory):
    issued = log_in(stall, f"{directory.lower()}/Alice", "ecila")
    assert issued.status == 200
    assert stall.call(issued.json["access_token"]).status == 200
    assert stall.refresh(issued.json["refresh_token"]).status == 200
    (alice,) = market.cli.data("user", "list", "--userstore", directory)
    assert alice["name"] == f"{directory}/alice"
    assert not alice["has_password"]
    assert alice["roles"] == [f"{directory}/reader", f"{directory}/writer"]


@needs_slapd
def test_the_log_in_page_takes_users_of_directories(market, directory):
    client = client_of(market)
    visitor = client.visitor()
    assert visitor.log_in(f"{directory}/alice", "wrong").status == 403
    assert visitor.log_in(f"{directory}/alice", "ecila").status == 200
    visitor.decide("allow")
    issued = client.redeem(visitor.told["code"])
    assert client.stall.call(issued.json["access_token"]).status == 200
    market.changer("update_userstore", domain=directory, url=f"ldap://localhost:{free_port()}")
    page = client.visitor().log_in(f"{directory}/alice", "ecila")
    assert (page.status, page.headers["Retry-After"]) == (503, "1")


@needs_slapd
def test_a_wrong_password_and_an_unknown_user_look_alike(market, stall, directory):
    answers = [
        log_in(stall, f"{directory}/{name}", password)
        for name, password in (("bob", "wrong"), ("zed", "dez"), ("*", "x"), ("nopass", "x"))
    ]
    assert {(answer.status, answer.body) for answer in answers} == {
        (400, answers[0].body),
    }
    assert answers[0].json["error"] == "invalid_grant"
    assert market.cli.data("user", "list", "--userstore", directory) == []


@needs_slapd
def test_a_search_binds_with_the_sealed_password(market, stall, slapd, domain):
    market.cli.ok(
        *("userstore", "create", domain, "--url", slapd.plain, "--start-tls"),
        *("--ca-file", slapd.ca_file, "--search-base", PEOPLE, "--bind-dn", SEARCHER),
        "--bind-password-stdin",
        stdin=SEARCHER_PASSWORD,
    )
    assert log_in(stall, f"{domain}/p)(uid=*", "p)(uid=*"[::-1]).status == 200
    assert log_in(stall, f"{domain}/p)(uid=*", "ecila").status == 400


@needs_slapd
def test_a_store_that_is_down_is_its_own_users_trouble(market, stall, directory, domain):
    down = f"DOWN.{domain}"
    market.changer(
        "create_userstore",
        domain=down,
        url=f"ldap://localhost:{free_port()}",
        user_dn_template=TEMPLATE,
    )
    for _ in range(12):  # none of which counts as a wrong password
        answer = log_in(stall, f"{down}/alice", "ecila")
        assert answer.status == 503
        assert answer.json["error"] == "temporarily_unavailable"
        assert answer.headers["Retry-After"] == "1"
    assert log_in(stall, f"{directory}/alice", "ecila").status == 200
    assert stall.log_in(market.user())
    said = [line for line in market.gateway.log.splitlines() if f"user store {down}" in line]
    assert len(said) == 1
    assert "cannot connect to localhost" in said[0]
    assert "ecila" not in market.gateway.log


def test_a_bind_password_that_cannot_be_read_is_its_own_users_trouble(market, stall, domain):
    market.cli.ok(
        *("userstore", "create", domain, "--url", "ldaps://localhost:1", "--search-base", PEOPLE),
        *("--bind-dn", SEARCHER, "--bind-password-stdin"),
        stdin=SEARCHER_PASSWORD,
    )
    with closing(sqlite3.connect(market.cli.store)) as db:
        db.execute("UPDATE userstore SET sealed_bind_password = 'x' WHERE domain = ?", (domain,))
        db.commit()
    answer = log_in(stall, f"{domain}/alice", "ecila")
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert "user store cannot be asked" in answer.json["error_description"]
    assert until(lambda: f"user store {domain}: " in market.gateway.log)


@needs_slapd
def test_new_settings_hold_from_the_next_log_in_on(market, stall, directory, slapd):
    name = f"{directory}/carol"
    assert log_in(stall, name, "lorac").status == 200
    elsewhere = TEMPLATE.replace("ou=people", "ou=open")
    market.changer("update_userstore", domain=directory, user_dn_template=elsewhere)
    assert log_in(stall, name, "lorac").status == 400
    market.changer("update_userstore", domain=directory, url=f"ldap://localhost:{free_port()}")
    assert log_in(stall, name, "lorac").status == 503
    market.changer("update_userstore", domain=directory, **slapd.by_template)
    assert log_in(stall, name, "lorac").status == 200


@needs_slapd
def test_who_logged_in_can_renew_while_the_directory_is_away(market, stall, directory):
    issued = log_in(stall, f"{directory}/alice", "ecila").json
    market.changer("update_userstore", domain=directory, url=f"ldap://localhost:{free_port()}")
    assert log_in(stall, f"{directory}/alice", "ecila").status == 503
    assert stall.call(issued["access_token"]).status == 200
    assert stall.refresh(issued["refresh_token"]).status == 200


@needs_slapd
def test_a_deleted_user_of_a_directory_has_no_tokens_and_may_come_back(market, stall, directory):
    issued = log_in(stall, f"{directory}/bob", "bob").json
    market.changer("delete_user", name=f"{directory}/bob")
    assert stall.call(issued["access_token"]).status == 401
    assert stall.refresh(issued["refresh_token"]).status == 400
    assert log_in(stall, f"{directory}/bob", "bob").status == 200


@needs_slapd
def test_guessing_at_a_directory_is_slowed_down_however_the_name_is_typed(stall, directory):
    for number, typed in enumerate(
        itertools.islice(itertools.cycle(["carol", "Carol ", "CAROL"]), 10)
    ):
        assert log_in(stall, f"{directory}/{typed}", f"guess {number}").status == 400
    answer = log_in(stall, f"{directory}/carol", "lorac")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0


@needs_slapd
def test_a_store_that_hangs_holds_up_nobody_else(market, stall, directory, domain):
    """It takes connections and never answers: its users wait, to the end of its timeout."""
    hanging = f"HANGS.{domain}"
    outcome = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        form = {"user_dn_template": TEMPLATE, "timeout_seconds": 3}
        url = f"ldaps://localhost:{listener.getsockname()[1]}"
        market.changer("create_userstore", domain=hanging, url=url, **form)
        waiting = threading.Thread(
            target=lambda: outcome.append(log_in(stall, f"{hanging}/alice", "ecila"))
        )
        waiting.start()
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(1, socket.MSG_PEEK)  # the beginning of a handshake
            assert log_in(stall, f"{directory}/alice", "ecila").status == 200
            assert stall.log_in(market.user())
            assert stall.ask(grant_type="client_credentials").status == 200
            assert outcome == []
            waiting.join()
    assert outcome[0].status == 503
    assert outcome[0].json["error"] == "temporarily_unavailable"


@needs_slapd
def test_a_user_of_a_directory_logs_in_at_the_pages(market, directory, domain):
    client = client_of(market)
    visitor = client.visitor()
    assert visitor.log_in(f"{directory}/alice", "wrong").status == 403
    assert visitor.log_in(f"{directory}/alice", "ecila").status == 200
    assert f"{directory}/alice".encode() in visitor.answer.body
    visitor.decide("allow")
    issued = client.redeem(visitor.told["code"])
    assert client.stall.call(issued.json["access_token"]).status == 200
    down = f"DOWN.{domain}"
    unreachable = {"url": f"ldap://localhost:{free_port()}", "user_dn_template": TEMPLATE}
    market.changer("create_userstore", domain=down, **unreachable)
    visitor = client.visitor()
    answer = visitor.log_in(f"{down}/alice", "ecila")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert b"user store of this account" in answer.body
    assert visitor.log_in(f"{directory}/alice", "ecila").status == 200
