"""Scopes over the socket: requested, granted by roles, narrowed, asked for by resources."""

import pytest

from tests.e2e.expectations import is_error, is_login_answer

MESSAGE = "The access token does not allow you to access the requested resource"
CLIENT_CREDENTIALS = {"grant_type": "client_credentials"}


def challenge(scopes) -> str:
    return f'Bearer realm="apimctl", error="insufficient_scope", scope="{scopes}"'


def outcome(answer) -> int:
    return 200 if answer.status == 200 else answer.fault


@pytest.fixture(scope="module")
def stall(market):
    """Give an API with scopes for all, for clerks, for bosses, and resources that ask for them."""
    made = market.stall()
    for name, roles in (("all", []), ("clerks", ["clerk", "boss"]), ("bosses", ["boss"])):
        made.change("declare_scope", api=made.name, name=scope(made, name), roles=roles)
    for pattern, scopes in (
        ("/free", []),
        ("/all", ["all"]),
        ("/clerks", ["clerks"]),
        ("/either", ["bosses", "clerks"]),
    ):
        names = [scope(made, name) for name in scopes]
        made.change("create_resource", api=made.name, pattern=pattern, scopes=names)
    return made


def scope(stall, names) -> str:
    """Return the names as the scopes of this stall: a name belongs to one API of the store."""
    return " ".join(f"{stall.name}:{name}" for name in names.split())


@pytest.fixture
def clerk(market):
    name = market.user()
    market.changer("set_roles", name=name, roles=["clerk"])
    return name


def granted(stall, answer) -> str:
    """Return the names of the scopes that were granted, in the order of the answer."""
    assert answer.status == 200, answer.body
    assert is_login_answer(answer)
    return " ".join(name.removeprefix(f"{stall.name}:") for name in answer.json["scope"].split(" "))


def ask_as(stall, user, names):
    form = {"grant_type": "password", "username": user, "password": user[::-1]}
    return stall.ask(**form, scope=scope(stall, names))


def reached(stall, token) -> set[str]:
    """Return the paths that a token opens; what it does not is 900910."""
    answers = {
        path: outcome(stall.call(token, rest=f"/{path}"))
        for path in ("free", "all", "clerks", "either")
    }
    assert set(answers.values()) <= {200, 900910}
    return {path for path, status in answers.items() if status == 200}


def test_a_user_gets_what_the_roles_open_and_the_answer_says_what(stall, clerk):
    answer = ask_as(stall, clerk, "bosses clerks all clerks")
    assert granted(stall, answer) == "all clerks"
    assert reached(stall, answer.json["access_token"]) == {"free", "all", "clerks", "either"}
    answer = ask_as(stall, clerk, "all")
    assert granted(stall, answer) == "all"
    assert reached(stall, answer.json["access_token"]) == {"free", "all"}


def test_without_a_scope_there_is_the_default_one(stall, clerk):
    tokens = stall.log_in(clerk)
    assert tokens["scope"] == "default"
    assert reached(stall, tokens["access_token"]) == {"free"}
    assert reached(stall, stall.token) == {"free"}


def test_what_no_role_opens_is_invalid_scope_and_so_is_what_nobody_declares(stall, market, clerk):
    nobody = market.user()
    assert is_error(ask_as(stall, nobody, "clerks bosses"), 400, "invalid_scope")
    assert is_error(ask_as(stall, clerk, "bosses"), 400, "invalid_scope")
    assert is_error(ask_as(stall, clerk, "clerks unknown"), 400, "invalid_scope")
    wrong = {"grant_type": "password", "username": clerk, "password": "wrong"}
    assert is_error(stall.ask(**wrong, scope="unknown"), 400, "invalid_grant")


def test_legacy_scopes_beside_others_are_ignored(stall):
    answer = stall.ask(**CLIENT_CREDENTIALS, scope=f"PRODUCTION {scope(stall, 'all')} default")
    assert granted(stall, answer) == "all"


def test_an_application_token_gets_what_the_owner_would(stall, market, clerk):
    answer = stall.ask(**CLIENT_CREDENTIALS, scope=scope(stall, "all clerks"))
    assert granted(stall, answer) == "all"
    assert reached(stall, answer.json["access_token"]) == {"free", "all"}
    refused = stall.ask(**CLIENT_CREDENTIALS, scope=scope(stall, "clerks"))
    assert is_error(refused, 400, "invalid_scope")

    app = market.name()
    market.changer("create_app", name=app, owner=clerk)
    market.changer("subscribe", app=app, api=stall.name)
    made = market.changer("generate", app=app)
    client = (made["consumer_key"], made["consumer_secret"])
    answer = stall.ask(**CLIENT_CREDENTIALS, client=client, scope=scope(stall, "all clerks"))
    assert granted(stall, answer) == "all clerks"
    assert reached(stall, answer.json["access_token"]) == {"free", "all", "clerks", "either"}


def test_too_narrow_a_scope_is_403_with_those_that_would_do(stall):
    answer = stall.call(stall.token, rest="/either")
    fault = answer.json["fault"]
    assert (answer.status, fault["code"], fault["message"]) == (403, 900910, MESSAGE)
    wanted = scope(stall, "bosses clerks")
    assert wanted.replace(" ", ", ") in fault["description"]
    assert answer.headers.get_all("WWW-Authenticate") == [challenge(wanted)]
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_fault_is_xml_where_that_is_preferred(stall):
    answer = stall.call(stall.token, rest="/all", headers={"Accept": "application/xml"})
    assert (answer.status, answer.headers["Content-Type"]) == (
        403,
        "application/xml; charset=utf-8",
    )
    start = f"<fault><code>900910</code><message>{MESSAGE}</message><description>"
    assert answer.body.decode().startswith(start)
    assert answer.headers["WWW-Authenticate"] == challenge(scope(stall, "all"))


def test_a_scope_name_cannot_break_out_of_a_body_or_a_header(market):
    stall = market.stall()
    name = f"{stall.name}:</fault>&,;='<script>"
    stall.change("declare_scope", api=stall.name, name=name)
    stall.change("create_resource", api=stall.name, pattern="/*", scopes=[name])
    answer = stall.call(stall.token, headers={"Accept": "application/xml"})
    assert answer.headers["WWW-Authenticate"] == challenge(name)
    assert b"<script>" not in answer.body
    token = stall.ask(**CLIENT_CREDENTIALS, scope=name).json["access_token"]
    assert outcome(stall.call(token)) == 200


def test_scopes_come_behind_domains_and_before_the_endpoint(market):
    stall = market.stall(domains="a.com", sandbox_url=None)
    stall.change("declare_scope", api=stall.name, name=scope(stall, "x"))
    stall.change("create_resource", api=stall.name, pattern="/*", scopes=[scope(stall, "x")])
    assert outcome(stall.call(stall.token)) == 900908
    allowed = {"domain": "a.com"}
    assert outcome(stall.call(stall.token, headers=allowed)) == 900910
    sandbox = stall.sandbox
    assert outcome(stall.call(sandbox["access_token"], headers=allowed)) == 900910
    client = (sandbox["consumer_key"], sandbox["consumer_secret"])
    answer = stall.ask(**CLIENT_CREDENTIALS, client=client, scope=scope(stall, "x"))
    assert outcome(stall.call(answer.json["access_token"], headers=allowed)) == 900901


def test_a_refused_request_uses_up_no_limit(market):
    stall = market.stall()
    stall.change("declare_scope", api=stall.name, name=scope(stall, "x"))
    asked = {"scopes": [scope(stall, "x")], "tier": "OnePerMinute"}
    stall.change("create_resource", api=stall.name, pattern="/*", **asked)
    for _ in range(3):
        assert outcome(stall.call(stall.token)) == 900910
    token = stall.ask(**CLIENT_CREDENTIALS, scope=scope(stall, "x")).json["access_token"]
    assert [outcome(stall.call(token)) for _ in range(2)] == [200, 900802]


def test_a_page_may_read_what_is_missing_and_a_preflight_asks_for_no_scope(market):
    origin = "https://app.example.com"
    stall = market.stall(cors_origins=[origin])
    stall.change("declare_scope", api=stall.name, name=scope(stall, "x"))
    stall.change("create_resource", api=stall.name, pattern="/*", scopes=[scope(stall, "x")])
    sent = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    path = f"/{stall.name}/1.0.0/x"
    preflight = market.gateway.send("OPTIONS", path, headers=sent)
    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (204, origin)
    refused = stall.call(stall.token, headers={"Origin": origin})
    assert (outcome(refused), refused.headers["Access-Control-Allow-Origin"]) == (900910, origin)
    assert "WWW-Authenticate" in refused.headers["Access-Control-Expose-Headers"]


def test_a_renewal_narrows_and_the_next_one_has_all_again(stall, clerk):
    tokens = ask_as(stall, clerk, "all clerks").json
    narrow = stall.refresh(tokens["refresh_token"], scope=scope(stall, "all"))
    assert granted(stall, narrow) == "all"
    assert reached(stall, narrow.json["access_token"]) == {"free", "all"}
    # RFC 6749 section 6: the new refresh token has the scope of the one before.
    assert granted(stall, stall.refresh(narrow.json["refresh_token"])) == "all clerks"


@pytest.mark.parametrize("wider", ["bosses", "clerks", "all clerks", "unknown", "all unknown"])
def test_a_renewal_never_widens_and_then_spends_nothing(stall, clerk, wider):
    tokens = ask_as(stall, clerk, "all").json
    refused = stall.refresh(tokens["refresh_token"], scope=scope(stall, wider))
    assert is_error(refused, 400, "invalid_scope")
    assert reached(stall, tokens["access_token"]) == {"free", "all"}
    assert granted(stall, stall.refresh(tokens["refresh_token"])) == "all"


@pytest.mark.parametrize("separator", ["\t", "\n", "\u00a0", "+", ","])
def test_only_spaces_part_scopes(stall, clerk, separator):
    names = scope(stall, "all clerks").replace(" ", separator)
    grant = {"grant_type": "password", "username": clerk, "password": clerk[::-1]}
    assert is_error(stall.ask(**grant, scope=names), 400, "invalid_scope")
    tokens = ask_as(stall, clerk, "all clerks").json
    assert is_error(stall.refresh(tokens["refresh_token"], scope=names), 400, "invalid_scope")


def test_a_role_that_is_taken_away_takes_the_scope_with_the_next_renewal(stall, clerk):
    tokens = ask_as(stall, clerk, "all clerks").json
    stall.change("set_roles", name=clerk, roles=[])
    assert reached(stall, tokens["access_token"]) == {"free", "all", "clerks", "either"}
    refused = stall.refresh(tokens["refresh_token"], scope=scope(stall, "clerks"))
    assert is_error(refused, 400, "invalid_scope")
    renewed = stall.refresh(tokens["refresh_token"])
    assert granted(stall, renewed) == "all"
    assert reached(stall, renewed.json["access_token"]) == {"free", "all"}
    stall.change("set_roles", name=clerk, roles=["boss"])
    assert granted(stall, stall.refresh(renewed.json["refresh_token"])) == "all clerks"


def test_who_loses_every_scope_keeps_a_token_without_any(stall, clerk):
    tokens = ask_as(stall, clerk, "clerks").json
    stall.change("set_roles", name=clerk, roles=["guest"])
    renewed = stall.refresh(tokens["refresh_token"])
    assert granted(stall, renewed) == "default"
    assert reached(stall, renewed.json["access_token"]) == {"free"}


def test_two_versions_share_their_scopes_and_another_api_does_not(market):
    stall, other = market.stall(), market.stall()
    second = f"{stall.name}:2.0.0"
    urls = {"production_url": market.production_url}
    stall.change("create_api", name=stall.name, version="2.0.0", **urls)
    stall.change("subscribe", app=stall.name, api=second)
    stall.change("declare_scope", api=stall.name, name=scope(stall, "x"))
    other.change("declare_scope", api=other.name, name=scope(other, "x"))
    for api in (f"{stall.name}:1.0.0", second):
        stall.change("create_resource", api=api, pattern="/*", scopes=[scope(stall, "x")])
    other.change("create_resource", api=other.name, pattern="/*", scopes=[scope(other, "x")])
    token = stall.ask(**CLIENT_CREDENTIALS, scope=scope(stall, "x")).json["access_token"]
    for version in ("1.0.0", "2.0.0"):
        path = f"/{stall.name}/{version}/x"
        assert outcome(market.gateway.get(path, token=token)) == 200
        assert outcome(market.gateway.get(path, token=stall.token)) == 900910
    stall.change("subscribe", app=stall.name, api=other.name)
    assert outcome(other.call(token)) == 900910


def test_every_change_is_obeyed_by_the_next_request(market):
    stall = market.stall()
    first, second = scope(stall, "first"), scope(stall, "second")
    for name in (first, second):
        stall.change("declare_scope", api=stall.name, name=name)
    which = {"api": stall.name, "pattern": "/*"}
    stall.change("create_resource", **which)
    token = stall.ask(**CLIENT_CREDENTIALS, scope=first).json["access_token"]
    for _ in range(30):
        assert outcome(stall.call(stall.token)) == 200
        stall.change("update_resource", **which, scopes=[first])
        assert [outcome(stall.call(one)) for one in (stall.token, token)] == [900910, 200]
        stall.change("update_resource", **which, scopes=[second])
        assert [outcome(stall.call(one)) for one in (stall.token, token)] == [900910, 900910]
        stall.change("update_resource", **which, scopes=[first, second])
        assert [outcome(stall.call(one)) for one in (stall.token, token)] == [900910, 200]
        stall.change("update_resource", **which, scopes=[])


def test_a_scope_that_is_declared_anew_does_not_come_back_to_old_tokens(market, clerk):
    stall, other = market.stall(), market.stall()
    name = scope(stall, "x")
    stall.change("declare_scope", api=stall.name, name=name)
    tokens = ask_as(stall, clerk, "x").json
    assert outcome(stall.call(tokens["access_token"])) == 200  # now the gateway knows it
    stall.change("delete_scope", api=stall.name, name=name)
    # Declared by another API, long after those tokens were issued.
    other.change("declare_scope", api=other.name, name=name, after_seconds=60)
    other.change("create_resource", api=other.name, pattern="/*", scopes=[name])
    stall.change("subscribe", app=stall.name, api=other.name)
    assert outcome(other.call(tokens["access_token"])) == 900910
    introspected = stall.ask(path="/introspect", token=tokens["access_token"])
    assert (introspected.json["active"], introspected.json["scope"]) == (True, "default")
    assert is_error(stall.refresh(tokens["refresh_token"], scope=name), 400, "invalid_scope")
    assert granted(stall, stall.refresh(tokens["refresh_token"])) == "default"


def test_the_metadata_names_the_scopes_there_are(market):
    stall = market.stall()
    names = {scope(stall, name) for name in ("b", "a")}
    for name in names:
        stall.change("declare_scope", api=stall.name, name=name)
    path = "/.well-known/oauth-authorization-server"
    told = market.gateway.get(path).json["scopes_supported"]
    assert told == sorted(told)
    assert names <= set(told)
    stall.change("delete_api", name=stall.name)
    assert not names & set(market.gateway.get(path).json["scopes_supported"])


def test_everything_by_the_command_line(market):
    stall, cli, user = market.stall(), market.cli, market.user()
    name = f"{stall.name}:read"
    which = (stall.name, "--pattern", "/*", "--method", "*")
    cli.ok("api", "scope", "create", stall.name, name, "--role", "clerk")
    cli.ok("api", "resource", "create", *which, "--scope", name)
    assert outcome(stall.call(stall.token)) == 900910
    assert is_error(ask_as(stall, user, "read"), 400, "invalid_scope")
    cli.ok("user", "update", user, "--role", "clerk")
    tokens = ask_as(stall, user, "read").json
    assert outcome(stall.call(tokens["access_token"])) == 200
    cli.ok("user", "update", user, "--role", "")
    renewed = cli.data("token", "renew", "--refresh-token-stdin", stdin=tokens["refresh_token"])
    assert outcome(stall.call(renewed["access_token"])) == 900910
    cli.ok("api", "scope", "update", stall.name, name, "--role", "")
    renewed = stall.refresh(renewed["refresh_token"])
    assert outcome(stall.call(renewed.json["access_token"])) == 200
    cli.ok("api", "resource", "update", *which, "--scope", "")
    cli.ok("api", "scope", "delete", stall.name, name, "--yes")
    assert outcome(stall.call(stall.token)) == 200
