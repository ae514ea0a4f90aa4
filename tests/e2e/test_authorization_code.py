"""A user allows an application: from `/authorize` to tokens, over the socket."""

import json
import re
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.e2e.expectations import is_error, is_login_answer
from tests.e2e.visitor import CALLBACK, CHALLENGE, PKCE, VERIFIER, Visitor, client_of


@pytest.fixture(scope="module")
def user(market):
    return market.user()


@pytest.fixture(scope="module")
def client(market):
    return client_of(market)


@pytest.fixture(scope="module")
def public(market):
    return client_of(market, is_public=True)


def outcome(answer) -> int:
    return 200 if answer.status == 200 else answer.fault


def test_a_user_logs_in_and_allows_and_the_application_gets_tokens(client, user):
    visitor = client.visitor()
    assert visitor.answer.status == 200
    visitor.log_in(user)
    assert visitor.answer.status == 200
    visitor.decide("allow")
    assert visitor.location.startswith(f"{CALLBACK}?")
    told = visitor.told
    assert told.keys() == {"code", "state", "iss"}
    assert told["state"] == "s t\u00e4te/+&=%"
    assert told["iss"] == client.stall.market.gateway.url
    assert told["code"].startswith("apim_acp0_")
    answer = client.redeem(told["code"])
    assert answer.status == 200
    assert is_login_answer(answer)
    assert list(answer.json) == [
        *("access_token", "token_type", "expires_in", "refresh_token", "scope"),
    ]
    assert outcome(client.stall.call(answer.json["access_token"])) == 200
    renewed = client.stall.refresh(answer.json["refresh_token"])
    assert renewed.status == 200
    assert outcome(client.stall.call(renewed.json["access_token"])) == 200


def test_a_user_who_denies_sends_the_application_away(client, user):
    visitor = client.visitor()
    visitor.log_in(user)
    visitor.decide("deny")
    told = visitor.told
    assert (told["error"], told["state"]) == ("access_denied", "s t\u00e4te/+&=%")
    assert told["iss"] == client.stall.market.gateway.url
    assert "code" not in told


def test_consent_is_asked_for_every_time_and_the_log_in_once(client, user):
    visitor = client.visitor()
    visitor.log_in(user)
    visitor.decide("allow")
    visitor.visit(client.address())
    assert "/authorize/decision" in visitor.forms
    visitor.decide("allow")
    assert visitor.told["code"]


def test_a_request_may_come_as_a_form(client, user):
    visitor = client.visitor()
    body = urlencode(client.parameters(state="posted")).encode()
    visitor.visit("/authorize", method="POST", body=body)
    visitor.log_in(user)
    visitor.decide("allow")
    assert visitor.told["state"] == "posted"


def test_a_public_client_redeems_a_code_with_its_verifier_and_renews_without_secret(public, user):
    answer = public.redeem(public.code(user))
    assert answer.status == 200
    gateway, form = public.stall.market.gateway, {"client_id": public.id}
    renewing = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"]}
    renewed = gateway.form("/token", form | renewing)
    assert renewed.status == 200
    token = renewed.json["access_token"]
    assert outcome(public.stall.call(token)) == 200
    assert gateway.form("/revoke", form | {"token": token}).status == 200
    assert outcome(public.stall.call(token)) == 900904


def test_a_public_client_may_send_basic_with_an_empty_secret(public, user):
    code = public.code(user)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = public.stall.market.gateway.form(
        "/token", form | {"code_verifier": VERIFIER}, client=(public.id, "")
    )
    assert answer.status == 200


@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_a_public_client_may_ask_for_no_token_without_its_user(public, user, grant):
    form = {"grant_type": grant, "client_id": public.id}
    form |= {"username": user, "password": user[::-1]}
    answer = public.stall.market.gateway.form("/token", form)
    assert is_error(answer, 400, "unauthorized_client")


def test_a_public_client_cannot_introspect(public):
    form = {"client_id": public.id, "token": public.stall.token}
    assert is_error(public.stall.market.gateway.form("/introspect", form), 401, "invalid_client")


def test_a_secret_of_the_time_before_it_was_public_is_wrong(public, user):
    code = public.code(user)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = public.stall.market.gateway.form(
        "/token", form | {"code_verifier": VERIFIER}, client=public.stall.client
    )
    assert is_error(answer, 401, "invalid_client")


def test_a_confidential_client_has_to_authenticate(client, user):
    form = {"grant_type": "authorization_code", "code": client.code(user)}
    form |= {"redirect_uri": CALLBACK, "client_id": client.id}
    assert is_error(client.stall.market.gateway.form("/token", form), 401, "invalid_client")


def test_a_confidential_client_may_use_pkce_and_is_then_held_to_it(client, user):
    assert client.redeem(client.code(user, **PKCE), code_verifier=VERIFIER).status == 200
    assert is_error(client.redeem(client.code(user, **PKCE)), 400, "invalid_request")


def test_a_verifier_without_a_challenge_is_refused(client, user):
    answer = client.redeem(client.code(user), code_verifier=VERIFIER)
    assert is_error(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (None, "invalid_request"),
        ("w" * 43, "invalid_grant"),
        (CHALLENGE, "invalid_grant"),
        ("v" * 42, "invalid_request"),
        ("v" * 129, "invalid_request"),
        (VERIFIER + "\n", "invalid_request"),
        ("v" * 42 + "+", "invalid_request"),
        ("v" * 42 + "\u00e9", "invalid_request"),
    ],
)
def test_a_wrong_verifier_gets_nothing_and_spends_nothing(public, user, verifier, error):
    code = public.code(user)
    assert is_error(public.redeem(code, code_verifier=verifier), 400, error)
    assert public.redeem(code).status == 200


@pytest.mark.parametrize("uri", [None, "https://client.example/other", f"{CALLBACK}/", "x"])
def test_the_redirect_uri_has_to_come_again(client, user, uri):
    code = client.code(user)
    assert is_error(client.redeem(code, redirect_uri=uri), 400, "invalid_grant")
    assert client.redeem(code).status == 200


def test_a_redirect_uri_that_was_left_out_may_be_left_out_again(client, user):
    assert client.redeem(client.code(user, redirect_uri=None), redirect_uri=None).status == 200
    code = client.code(user, redirect_uri=None)
    other = client.redeem(code, redirect_uri="https://evil.example/back")
    assert is_error(other, 400, "invalid_grant")
    assert client.redeem(code).status == 200


def test_a_second_use_ends_all_that_the_first_one_gave(client, user):
    code = client.code(user)
    first = client.redeem(code).json
    renewed = client.stall.refresh(first["refresh_token"]).json
    assert outcome(client.stall.call(renewed["access_token"])) == 200
    assert is_error(client.redeem(code), 400, "invalid_grant")
    assert outcome(client.stall.call(renewed["access_token"])) == 900904
    assert is_error(client.stall.refresh(renewed["refresh_token"]), 400, "invalid_grant")


def test_a_second_use_stands_in_the_audit_log(market, client, user):
    code = client.code(user)
    for _ in range(3):
        client.redeem(code)
    entries = market.changer("audit_of", actor=client.stall.name)
    assert [(action, target) for _, action, target, _ in entries[-3:]] == [
        ("token.issue", user),
        ("authorization.replay", user),
        ("authorization.replay", user),
    ]
    assert json.loads(entries[-3][3])["grant"] == "authorization_code"
    assert code not in str(entries)


def test_a_second_use_by_who_has_no_verifier_ends_nothing(public, user):
    code = public.code(user)
    tokens = public.redeem(code).json
    for verifier in (None, "w" * 43):
        assert public.redeem(code, code_verifier=verifier).status == 400
    assert outcome(public.stall.call(tokens["access_token"])) == 200
    assert is_error(public.redeem(code), 400, "invalid_grant")
    assert outcome(public.stall.call(tokens["access_token"])) == 900904


def test_another_clients_code_is_unknown_and_unharmed(client, public, market, user):
    code = client.code(user)
    other = client_of(market)
    assert is_error(other.redeem(code), 400, "invalid_grant")
    assert is_error(public.redeem(code), 400, "invalid_grant")
    assert client.redeem(code).status == 200


@pytest.mark.parametrize("text", ["x", "apim_acp0_" + "0" * 36, "\u00e9", "x" * 5000])
def test_a_code_that_is_none_is_invalid_grant(client, text):
    assert is_error(client.redeem(text), 400, "invalid_grant")


def test_a_token_is_no_code_and_a_code_no_token(client, user):
    assert is_error(client.redeem(client.stall.token), 400, "invalid_grant")
    code = client.code(user)
    assert client.stall.call(code).fault == 900901
    assert is_error(client.stall.refresh(code), 400, "invalid_grant")
    assert client.stall.ask(path="/revoke", token=code).json == {}
    assert client.redeem(code).status == 200
    assert is_error(client.redeem(None), 400, "invalid_request")


def test_an_expired_code_gives_nothing(client, user):
    code = client.code(user)
    client.stall.change("expire_code", code=code)
    assert is_error(client.redeem(code), 400, "invalid_grant")


def test_of_parallel_uses_one_succeeds_and_its_tokens_end(client, user):
    code = client.code(user)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.redeem(code), range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    (won,) = [answer.json for answer in answers if answer.status == 200]
    assert outcome(client.stall.call(won["access_token"])) == 900904


def test_a_code_dies_with_its_user(market):
    client, user = client_of(market), market.user()
    code = client.code(user)
    market.changer("delete_user", name=user)
    assert is_error(client.redeem(code), 400, "invalid_grant")


def test_validity_period_shortens_user_tokens(client, user):
    answer = client.redeem(client.code(user), validity_period="60")
    assert answer.json["expires_in"] == 60


def test_scopes_are_shown_allowed_and_carried_by_the_token(market):
    client, user = client_of(market), market.user()
    declare = {"api": client.stall.name}
    market.changer("declare_scope", **declare, name="orders:read", description="see your <orders>")
    market.changer("declare_scope", **declare, name="orders:close", roles=["boss"])
    visitor = client.logged_in(user, scope="orders:read orders:close PRODUCTION")
    page = visitor.answer.body.decode()
    assert "see your &lt;orders&gt;" in page
    assert "orders:close" not in page.partition('name="request"')[0]
    visitor.decide("allow")
    assert client.redeem(visitor.told["code"]).json["scope"] == "orders:read"
    # Nobody is asked to allow what nobody could have.
    visitor = client.logged_in(user, scope="orders:close")
    assert visitor.told["error"] == "invalid_scope"
    assert client.visitor(scope="orders:read unheard-of").told["error"] == "invalid_scope"


def test_a_role_that_is_gone_by_then_gives_no_scope(market):
    client, user = client_of(market), market.user()
    market.changer("declare_scope", api=client.stall.name, name="staff", roles=["boss"])
    market.changer("set_roles", name=user, roles=["boss"])
    code = client.code(user, scope="staff")
    market.changer("set_roles", name=user, roles=[])
    assert client.redeem(code).json["scope"] == "default"


def test_the_program_in_the_docs_logs_a_user_in(market, user):
    client = client_of(market, is_public=True, callback_urls=["http://127.0.0.1/back"])
    page = (Path(__file__).parents[2] / "docs/login-api.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (program,) = [code for code in programs if "def log_in" in code]
    program += "\nimport sys\nprint(json.dumps(log_in(*sys.argv[1:])))\n"
    gateway = market.gateway
    with subprocess.Popen(
        [sys.executable, "-c", program, gateway.url, client.id],
        stdout=subprocess.PIPE,
        env=market.cli.environ() | {"BROWSER": "/bin/echo %s &"},
        text=True,
    ) as process:
        address = process.stdout.readline().strip().removeprefix(gateway.url)
        visitor = Visitor(gateway)
        visitor.visit(address)
        visitor.log_in(user)
        visitor.decide("allow")
        with urllib.request.urlopen(visitor.location) as answer:
            assert answer.status == 200
        tokens = json.loads(process.stdout.readline())
    assert process.returncode == 0
    assert outcome(client.stall.call(tokens["access_token"])) == 200
