"""What another process changes is obeyed by the running gateway's very next request."""

import pytest

ROUNDS = range(100)


@pytest.fixture
def stall(market):
    return market.stall()


def outcome(answer) -> int:
    """Return 200, or the fault code."""
    return 200 if answer.status == 200 else answer.fault


def test_a_renewed_and_a_revoked_token(stall):
    token = stall.token
    for _ in ROUNDS:
        assert outcome(stall.call(token)) == 200
        old, token = token, stall.change("renew", app=stall.name)
        assert (outcome(stall.call(old)), outcome(stall.call(token))) == (900904, 200)
        stall.change("revoke", token=token)
        assert outcome(stall.call(token)) == 900904
        token = stall.change("renew", app=stall.name)


def test_a_token_that_was_unknown_before(stall, market):
    other = market.stall()
    for _ in ROUNDS:
        # The gateway has just asked the store, and has everything in memory.
        assert outcome(other.call(other.token)) == 200
        assert outcome(stall.call(stall.change("renew", app=stall.name))) == 200


def test_allowed_domains(stall):
    for number in ROUNDS:
        domain = f"host{number}.example.com"
        stall.change("update_key", app=stall.name, domains=domain)
        assert outcome(stall.call(stall.token, headers={"domain": domain})) == 200
        assert outcome(stall.call(stall.token, headers={"domain": "example.com"})) == 900908
        stall.change("update_key", app=stall.name, domains="")
        assert outcome(stall.call(stall.token)) == 200


def test_a_blocked_api(stall):
    for _ in ROUNDS:
        stall.change("change_api", name=stall.name, to="block")
        assert outcome(stall.call(stall.token)) == 700700
        stall.change("change_api", name=stall.name, to="unblock")
        assert outcome(stall.call(stall.token)) == 200


@pytest.mark.parametrize(
    ("verb", "fault"),
    [("block", 900907), ("block --production-only", 900907), ("hold", 900909), ("reject", 900909)],
)
def test_the_state_of_a_subscription(stall, verb, fault):
    which = {"app": stall.name, "api": stall.name}
    for _ in ROUNDS:
        stall.change("change_subscription", **which, to=verb)
        assert outcome(stall.call(stall.token)) == fault
        stall.change("change_subscription", **which, to="unblock")
        assert outcome(stall.call(stall.token)) == 200


def test_a_subscription_that_comes_and_goes(stall):
    which = {"app": stall.name, "api": stall.name}
    for _ in ROUNDS:
        stall.change("unsubscribe", **which)
        assert outcome(stall.call(stall.token)) == 900908
        stall.change("subscribe", **which)
        assert outcome(stall.call(stall.token)) == 200


def test_an_api_that_comes_and_goes(stall, market):
    form = {"production_url": market.production_url}
    for number in ROUNDS:
        name = f"{stall.name}x{number}"
        path = f"/{name}/1.0.0/new"
        assert outcome(market.gateway.get(path, token=stall.token)) == 900906
        stall.change("create_api", name=name, state="CREATED", **form)
        assert outcome(market.gateway.get(path, token=stall.token)) == 900906
        stall.change("change_api", name=name, to="publish")
        assert outcome(market.gateway.get(path, token=stall.token)) == 900908
        stall.change("subscribe", app=stall.name, api=name)
        assert outcome(market.gateway.get(path, token=stall.token)) == 200
        stall.change("delete_api", name=name)
        assert outcome(market.gateway.get(path, token=stall.token)) == 900906


def test_the_endpoint_of_an_api(stall, market):
    for _ in ROUNDS:
        stall.change("update_api", name=stall.name, production_url=market.sandbox_url)
        assert stall.call(stall.token).json["backend"] == "sandbox"
        stall.change("update_api", name=stall.name, production_url=market.production_url)
        assert stall.call(stall.token).json["backend"] == "production"


def test_a_key_that_is_deleted_and_made_anew(stall):
    token = stall.token
    for _ in ROUNDS:
        stall.change("delete_key", app=stall.name)
        assert outcome(stall.call(token)) == 900901
        token = stall.change("generate", app=stall.name)["access_token"]
        assert outcome(stall.call(token)) == 200


def test_an_application_that_is_deleted_and_made_anew(stall):
    token, sandbox = stall.token, stall.sandbox["access_token"]
    for _ in ROUNDS:
        stall.change("delete_app", name=stall.name)
        assert outcome(stall.call(token)) == 900901
        assert outcome(stall.call(sandbox)) == 900901
        stall.change("create_app", name=stall.name)
        stall.change("subscribe", app=stall.name, api=stall.name)
        token = stall.change("generate", app=stall.name)["access_token"]
        sandbox = stall.change("generate", app=stall.name, key_type="SANDBOX")["access_token"]
        assert outcome(stall.call(token)) == 200


def test_the_name_of_the_client_domain_header(stall, market):
    stall.change("update_key", app=stall.name, domains="example.com")
    setting = {"file": str(market.cli.config), "key": "gateway.client_domain_header"}
    for number in ROUNDS:
        header = f"X-Domain-{number}"
        stall.change("configure", **setting, value=header)
        assert outcome(stall.call(stall.token, headers={"domain": "example.com"})) == 900908
        assert outcome(stall.call(stall.token, headers={header: "example.com"})) == 200
        stall.change("configure", **setting, value=None)
        assert outcome(stall.call(stall.token, headers={"domain": "example.com"})) == 200


def test_a_user_who_is_deleted(stall, market):
    # A password takes 50 ms, twice: a few times are enough.
    for _ in range(5):
        user = market.user()
        token = stall.log_in(user)["access_token"]
        assert outcome(stall.call(token)) == 200
        stall.change("delete_user", name=user)
        assert outcome(stall.call(token)) == 900901


def test_revocation_by_the_login_api(stall):
    for _ in ROUNDS:
        token = stall.ask(grant_type="client_credentials").json["access_token"]
        assert outcome(stall.call(token)) == 200
        assert stall.ask(path="/revoke", token=token).status == 200
        assert outcome(stall.call(token)) == 900904


def test_everything_again_by_the_command_line(market):
    stall, cli = market.stall(), market.cli
    name = ("--app", stall.name)
    both = (*name, "--api", stall.name)
    for _ in range(2):
        token = cli.data("token", "renew", *name, "--production")["access_token"]
        assert outcome(stall.call(token)) == 200
        for change, undo, fault in (
            (("key", "update", *name, "--domains", "a.com"), ("key", "update", *name), 900908),
            (("api", "block", stall.name), ("api", "unblock", stall.name), 700700),
            (("subscription", "block", *both), ("subscription", "unblock", *both), 900907),
            (
                ("subscription", "delete", *both, "--yes"),
                ("subscription", "create", *both),
                900908,
            ),
        ):
            cli.ok(*change)
            assert outcome(stall.call(token)) == fault
            cli.ok(*undo, *(["--domains", ""] if change[0] == "key" else []))
            assert outcome(stall.call(token)) == 200
        cli.ok("token", "revoke", "--token-stdin", stdin=token)
        assert outcome(stall.call(token)) == 900904


def test_a_new_api_by_the_command_line(market):
    stall, cli = market.stall(), market.cli
    name = market.name()
    path = f"/{name}/1.0.0/x"
    assert outcome(market.gateway.get(path, token=stall.token)) == 900906
    urls = ("--production-url", market.production_url)
    cli.ok("api", "create", name, "--context", f"/{name}", "--version", "1.0.0", *urls, "--publish")
    assert outcome(market.gateway.get(path, token=stall.token)) == 900908
    cli.ok("subscription", "create", "--app", stall.name, "--api", name)
    assert outcome(market.gateway.get(path, token=stall.token)) == 200
    cli.ok("key", "delete", "--app", stall.name, "--production", "--yes")
    assert outcome(market.gateway.get(path, token=stall.token)) == 900901


def test_a_setting_by_the_command_line(market):
    stall, cli = market.stall(domains="example.com"), market.cli
    cli.ok("config", "set", "gateway.client_domain_header", "Origin")
    origin = {"Origin": "https://example.com"}
    assert outcome(stall.call(stall.token, headers=origin)) == 200
    cli.ok("config", "unset", "gateway.client_domain_header")
    assert outcome(stall.call(stall.token, headers=origin)) == 900908
