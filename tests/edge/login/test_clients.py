import base64
from urllib.parse import quote

import pytest
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from apimctl.domain import attempts
from apimctl.domain.models import GrantType
from apimctl.edge.login.clients import ClientRefusedError, authenticate, recognise
from apimctl.edge.login.context import LoginContext, LoginRequest
from apimctl.edge.login.refusals import ComeAgainError
from apimctl.services import applications, keys
from apimctl.services.applications import ApplicationForm
from tests.conftest import NOW
from tests.edge.conftest import TOKENS


@pytest.fixture
def client(shop):
    return shop.generated.key.consumer_key, shop.generated.consumer_secret


def basic(name, secret, scheme="Basic"):
    return [f"{scheme} {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"]


def in_body(name, secret):
    return {"client_id": name, "client_secret": secret}


@pytest.fixture
def ask(store, shop):
    def ask(
        authorization=(),
        form=(),
        *,
        now=NOW,
        network="192.0.2.1",
        grants=frozenset(GrantType),
        how=authenticate,
    ):
        """Return the client; raise the error, once what was counted is committed."""
        with store.transaction() as db:
            context = LoginContext(
                db=db,
                settings=TOKENS,
                grants=grants,
                now=now,
                random=shop.random.randbytes,
                network=network,
            )
            found = how(LoginRequest(dict(form), authorization, context))
        if isinstance(found, OAuth2Error):
            raise found
        return found

    return ask


def over_encoded(text):
    return quote(text, safe="").replace("_", "%5F")


def test_every_way_to_send_the_credentials_leads_to_the_key(shop, client, ask):
    key = shop.generated.key
    assert ask(basic(*client)).key == key
    assert ask(basic(*client, scheme="bAsIc")).key == key
    assert ask(basic(*client, scheme="Basic  ")).key == key
    assert ask(basic(*map(over_encoded, client))).key == key
    assert ask(form=in_body(*client)).key == key
    assert ask(basic(*client), {"client_id": client[0]}).key == key


def test_credentials_hold_nothing_that_form_encoding_changes(client):
    assert [quote(part, safe="") for part in client] == list(client)


def test_two_ways_at_once_are_no_way(client, ask):
    for authorization, form in (
        (basic(*client), in_body(*client)),
        (basic(*client), {"client_secret": client[1]}),
        (basic(*client) * 2, {}),
        (basic(*client), {"client_id": "another"}),
    ):
        with pytest.raises(InvalidRequestError):
            ask(authorization, form)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic *",
        "Basic YQ",
        "Basic /////w==",
        "Basic bm8gY29sb24=",
        "Basic Og==",
        "Basic \u00e9",
        "Basic \udcff",
        "Bearer abc",
    ],
)
def test_credentials_that_cannot_be_read_are_refused(shop, ask, authorization):
    with pytest.raises(ClientRefusedError):
        ask([authorization])


def test_wrong_credentials_are_refused(client, ask):
    name, secret = client
    for wrong in ((name, secret + "x"), (name, ""), (name + "x", secret), (secret, name), ("", "")):
        with pytest.raises(ClientRefusedError, match="wrong"):
            ask(basic(*wrong))
    for form in ({}, {"client_id": name}, {"client_secret": secret}, in_body(name, "wrong")):
        with pytest.raises(ClientRefusedError):
            ask(form=form)


def test_a_refusal_is_401_with_one_challenge():
    status, content, headers = ClientRefusedError("why")()
    assert (status, content["error"]) == (401, "invalid_client")
    challenges = [value for name, value in headers if name.lower() == "www-authenticate"]
    assert challenges == ['Basic realm="apimctl"']


def test_an_old_secret_is_good_until_its_grace_is_over(shop, store, client, ask):
    with store.transaction() as db:
        new = keys.rotate(db, shop.generated.key, grace_seconds=60, **shop.made)
    name, old = client
    assert ask(basic(name, new)).key == shop.generated.key
    assert ask(basic(name, old), now=NOW + 59).key == shop.generated.key
    with pytest.raises(ClientRefusedError):
        ask(basic(name, old), now=NOW + 60)
    assert ask(basic(name, new), now=NOW + 60).key == shop.generated.key


def test_a_client_may_use_the_grants_that_the_login_api_and_its_application_allow(
    shop, store, client, ask
):
    def narrow(*grants):
        with store.transaction() as db:
            application = applications.resolve(db, "DefaultApplication")
            form = ApplicationForm(grants=frozenset(map(GrantType, grants)))
            applications.update(db, application, form)

    everything = frozenset(GrantType)
    assert ask(basic(*client)).grants == everything
    assert ask(basic(*client), grants=frozenset({GrantType.PASSWORD})).grants == {"password"}
    narrow("client_credentials", "refresh_token")
    found = ask(basic(*client), grants=everything - {GrantType.REFRESH_TOKEN})
    assert found.grants == {"client_credentials"}
    assert found.check_grant_type("client_credentials")
    assert not found.check_grant_type("refresh_token")
    assert not found.check_grant_type("password")
    assert not found.check_grant_type("anything")


def guess(ask, name, times, **options):
    for number in range(times):
        with pytest.raises(ClientRefusedError):
            ask(basic(name, f"wrong{number}"), **options)


def test_after_ten_wrong_secrets_nobody_is_let_in_for_a_while(client, ask):
    guess(ask, client[0], attempts.FREE_AT_ONE_NETWORK)
    for secret in (client[1], "wrong"):
        with pytest.raises(ComeAgainError) as caught:
            ask(basic(client[0], secret))
        status, content, headers = caught.value()
        assert (status, content["error"]) == (429, "temporarily_unavailable")
        assert dict(headers)["Retry-After"] == "2"
        assert "WWW-Authenticate" not in dict(headers)
    assert ask(basic(*client), now=NOW + 2)


def test_each_further_wrong_secret_blocks_twice_as_long(client, ask):
    guess(ask, client[0], attempts.FREE_AT_ONE_NETWORK)
    now, waits = NOW, []
    for _ in range(12):
        with pytest.raises(ComeAgainError) as caught:
            ask(basic(*client), now=now)
        waits.append(caught.value.retry_after_seconds)
        now += waits[-1]
        guess(ask, client[0], 1, now=now)
    assert waits == [2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 901, 901]


def test_a_right_secret_forgives_the_wrong_ones(client, ask):
    for _ in range(3):
        guess(ask, client[0], attempts.FREE_AT_ONE_NETWORK - 1)
        assert ask(basic(*client))


def test_wrong_secrets_at_one_network_lock_nobody_out_at_another(client, ask):
    for network in range(30):
        guess(ask, client[0], attempts.FREE_AT_ONE_NETWORK, network=f"198.51.100.{network}")
    assert ask(basic(*client), network="192.0.2.1")


def test_consumer_keys_that_nobody_has_are_not_counted(store, ask):
    guess(ask, "apim_nobody", 2 * attempts.FREE_AT_ONE_NETWORK)
    with store.reading() as db:
        assert db.execute("SELECT count(*) FROM failed_attempt").fetchone() == (0,)


def test_a_secret_that_has_ended_is_refused_and_not_counted(shop, store, client, ask):
    with store.transaction() as db:
        new = keys.rotate(db, shop.generated.key, grace_seconds=0, **shop.made)
    name, old = client
    for _ in range(2 * attempts.FREE_AT_ONE_NETWORK):
        with pytest.raises(ClientRefusedError):
            ask(basic(name, old), now=NOW + 1)
    assert ask(basic(name, new), now=NOW + 1)


def test_a_secret_that_ended_long_ago_is_as_wrong_as_any(shop, store, client, ask):
    late = NOW + keys.ENDED_SECRET_SECONDS + 1
    with store.transaction() as db:
        keys.rotate(db, shop.generated.key, grace_seconds=0, **shop.made)
        keys.rotate(db, shop.generated.key, grace_seconds=0, now=late, random=shop.random.randbytes)
    guess(ask, client[0], attempts.FREE_AT_ONE_NETWORK - 1, now=late)
    with pytest.raises(ClientRefusedError):
        ask(basic(*client), now=late)
    with pytest.raises(ComeAgainError):
        ask(basic(*client), now=late)


@pytest.fixture
def public(store):
    with store.transaction() as db:
        application = applications.resolve(db, "DefaultApplication")
        applications.update(db, application, ApplicationForm(is_public=True))


def test_a_public_client_says_who_it_is_and_has_no_secret(shop, client, ask, public):
    name = client[0]
    for authorization, form in (((), {"client_id": name}), (basic(name, ""), {})):
        found = ask(authorization, form, how=recognise)
        assert found.key == shop.generated.key
        assert found.grants == {GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}
        assert found.check_endpoint_auth_method("none", "token")
    for authorization, form in (
        (basic(*client), {}),
        ((), in_body(*client)),
        ((), {"client_id": "nobody"}),
        ((), {}),
    ):
        with pytest.raises(ClientRefusedError):
            ask(authorization, form, how=recognise)
    with pytest.raises(InvalidRequestError):
        ask(basic(name, ""), {"client_id": "another"}, how=recognise)


def test_a_confidential_client_is_not_recognised_by_its_name(client, ask):
    for authorization, form in (((), {"client_id": client[0]}), (basic(client[0], ""), {})):
        with pytest.raises(ClientRefusedError):
            ask(authorization, form, how=recognise)
    assert not ask(basic(*client), how=recognise).check_endpoint_auth_method("none", "token")
